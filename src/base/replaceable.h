// A reference that may come to refer to something else.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "base/ref.h"

namespace starling {

// Holds one reference, which any thread may copy or replace. Whoever has copied it keeps what it
// referred to then. The lock is held for as long as a pointer takes to copy.
// Owner: any thread.
template <typename T>
class Replaceable {
public:
    Ref<T> get() const {
        const std::lock_guard lock(mutex_);
        return ref_;
    }
    void set(Ref<T> ref) {
        const std::lock_guard lock(mutex_);
        std::swap(ref_, ref);  // the old one goes when the lock has
        version_.fetch_add(1, std::memory_order_release);
    }

    // How often it was replaced. What get() answers after this is of that version, or a later one.
    std::uint32_t version() const { return version_.load(std::memory_order_acquire); }

private:
    std::atomic<std::uint32_t> version_{0};
    mutable std::mutex mutex_;
    Ref<T> ref_;
};

}  // namespace starling
