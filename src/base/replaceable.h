// A reference that may come to refer to something else.
#pragma once

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
    }

private:
    mutable std::mutex mutex_;
    Ref<T> ref_;
};

}  // namespace starling
