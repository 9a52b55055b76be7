// A queue that costs nothing while it is empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "base/assert.h"

namespace starling {

// First in, first out, in a ring that doubles when full and is freed when drained: 16 bytes idle.
// References stay good only until the next push. The owner bounds its length.
// Owner: whoever owns the queue's owner.
template <typename T>
class Fifo {
public:
    Fifo() = default;
    Fifo(Fifo&& other) noexcept
        : ring_(std::exchange(other.ring_, nullptr)),
          first_(std::exchange(other.first_, 0)),
          size_(std::exchange(other.size_, 0)) {}
    Fifo& operator=(Fifo&& other) noexcept {
        std::swap(ring_, other.ring_);
        std::swap(first_, other.first_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Fifo() { clear(); }

    bool empty() const { return size_ == 0; }
    std::uint32_t size() const { return size_; }

    void push(T value) {
        if (!ring_ || size_ == ring_->capacity) grow();
        new (&slot(size_)) T(std::move(value));
        ++size_;
    }

    // REQUIRES: !empty().
    T& front() { return (*this)[0]; }
    T& back() { return (*this)[size_ - 1]; }

    // Counted from the oldest. REQUIRES: position < size().
    T& operator[](std::uint32_t position) {
        STARLING_ASSERT(position < size_);
        return slot(position);
    }

    // REQUIRES: !empty().
    T pop() {
        T value = std::move(front());
        front().~T();
        first_ = (first_ + 1) & (ring_->capacity - 1);
        if (--size_ == 0) free_ring();
        return value;
    }

    // Removes one from the middle; those on its shorter side move. REQUIRES: position < size().
    T remove(std::uint32_t position) {
        if (position < size_ / 2) {
            T value = std::move((*this)[position]);
            for (std::uint32_t at = position; at > 0; --at) slot(at) = std::move(slot(at - 1));
            pop();
            return value;
        }
        T value = std::move((*this)[position]);
        for (std::uint32_t at = position; at + 1 < size_; ++at) slot(at) = std::move(slot(at + 1));
        slot(size_ - 1).~T();
        if (--size_ == 0) free_ring();
        return value;
    }

    void clear() {
        while (!empty()) pop();
    }

private:
    // The slots follow in the same allocation.
    struct Ring {
        alignas(T) alignas(std::uint32_t) std::uint32_t capacity;  // a power of two

        T* slots() { return reinterpret_cast<T*>(this + 1); }
    };
    static_assert(alignof(Ring) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

    T& slot(std::uint32_t position) {
        return ring_->slots()[(first_ + position) & (ring_->capacity - 1)];
    }

    void grow() {
        const std::uint32_t capacity = ring_ ? ring_->capacity * 2 : 2;
        auto* bigger = static_cast<Ring*>(::operator new(sizeof(Ring) + capacity * sizeof(T)));
        bigger->capacity = capacity;
        for (std::uint32_t i = 0; i < size_; ++i) {
            T& old = slot(i);
            new (bigger->slots() + i) T(std::move(old));
            old.~T();
        }
        if (ring_) free_ring();
        ring_ = bigger;
        first_ = 0;
    }

    void free_ring() {
        ::operator delete(ring_);
        ring_ = nullptr;
        first_ = 0;
    }

    Ring* ring_ = nullptr;
    std::uint32_t first_ = 0;
    std::uint32_t size_ = 0;
};

}  // namespace starling
