// Lets threads run, or holds them all where they can be looked at.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace starling {

// Threads come to pass() again and again. Between close() and open() all of them stand there, and
// what they own is the holder's. Nobody spins, so that a busy machine does not slow it down.
// Owner: the holder; pass() and leave() by the threads.
class Gate {
public:
    explicit Gate(std::size_t threads) : threads_(threads) {}

    // False when it is over: the thread is to end.
    bool pass() {
        if (is_closed()) {
            std::unique_lock lock(mutex_);
            ++here_;
            changed_.notify_all();
            const std::uint64_t opening = openings_;
            changed_.wait(lock, [&] { return openings_ != opening; });
        }
        return !is_over_.load(std::memory_order_acquire);
    }

    // The thread will not come again.
    void leave() {
        const std::lock_guard lock(mutex_);
        --threads_;
        changed_.notify_all();
    }

    // `wake` sees to it that no thread sleeps on its way here.
    template <typename Wake>
    void close(Wake wake) {
        is_closed_.store(true, std::memory_order_release);
        wake();
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return here_ == threads_; });
    }
    // REQUIRES: it is closed.
    void open() {
        const std::lock_guard lock(mutex_);
        is_closed_.store(false, std::memory_order_release);
        here_ = 0;
        ++openings_;
        changed_.notify_all();
    }
    // REQUIRES: it is closed.
    void end() {
        is_over_.store(true, std::memory_order_release);
        open();
    }

    bool is_closed() const { return is_closed_.load(std::memory_order_acquire); }

private:
    std::atomic<bool> is_closed_{false};
    std::atomic<bool> is_over_{false};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t threads_;
    std::size_t here_ = 0;
    std::uint64_t openings_ = 0;
};

}  // namespace starling
