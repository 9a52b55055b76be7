// Mail from one core to one other, in order.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace starling {

// One thread pushes, one pops; neither waits. Grows by blocks and frees them as they are read: the
// bound is the sender's affair (credit), and idle it keeps one block.
// Owner: the sender pushes, the receiver pops; they may be destroyed by either once both are done.
template <typename T, std::size_t kBlockItems = 32>
class SpscQueue {
public:
    SpscQueue() : head_(new Block), tail_(head_) {}
    SpscQueue(const SpscQueue&) = delete;
    SpscQueue& operator=(const SpscQueue&) = delete;
    ~SpscQueue() {
        T item;
        while (pop(item)) {}
        delete head_;
    }

    void push(T item) {
        if (tail_used_ == kBlockItems) {
            Block* fresh = new Block;
            tail_->next.store(fresh, std::memory_order_release);
            tail_ = fresh;
            tail_used_ = 0;
        }
        tail_->items[tail_used_++] = std::move(item);
        pushed_.store(pushed_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    // Takes the oldest; false when there is none.
    bool pop(T& item) {
        if (pushed_.load(std::memory_order_acquire) == popped_) return false;
        if (head_used_ == kBlockItems) {
            Block* next = head_->next.load(std::memory_order_acquire);
            delete std::exchange(head_, next);
            head_used_ = 0;
        }
        item = std::move(head_->items[head_used_++]);
        ++popped_;
        return true;
    }

    // The receiver's view.
    bool empty() const { return size() == 0; }
    std::uint64_t size() const { return pushed_.load(std::memory_order_acquire) - popped_; }

private:
    struct Block {
        std::array<T, kBlockItems> items{};
        std::atomic<Block*> next{nullptr};
    };

    // The receiver's line, the sender's, and the one they share.
    alignas(64) Block* head_;
    std::size_t head_used_ = 0;
    std::uint64_t popped_ = 0;
    alignas(64) Block* tail_;
    std::size_t tail_used_ = 0;
    alignas(64) std::atomic<std::uint64_t> pushed_{0};
};

}  // namespace starling
