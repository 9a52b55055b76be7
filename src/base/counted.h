// A reference count that any core may touch.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/ref.h"

namespace starling {

// Base of an immutable object shared by Ref<const Derived>. Starts with one reference.
// Owner: any core. Nothing but the count changes after construction.
template <typename Derived>
class Counted {
public:
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

    void retain(std::uint32_t count = 1) const {
        references_.fetch_add(count, std::memory_order_relaxed);
    }
    void release() const {
        // The last holder alone may skip the atomic subtraction.
        if (references_.load(std::memory_order_acquire) == 1 ||
            references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            Derived::destroy(static_cast<const Derived*>(this));
    }

protected:
    Counted() = default;
    ~Counted() = default;

    // Hidden by a Derived that was not made by plain `new`.
    static void destroy(const Derived* object) { delete object; }

private:
    mutable std::atomic<std::uint32_t> references_{1};
};

// Makes a T that derives from Counted<T>.
template <typename T, typename... Arguments>
Ref<const T> make_counted(Arguments&&... arguments) {
    return Ref<const T>::adopt(new T(std::forward<Arguments>(arguments)...));
}

}  // namespace starling
