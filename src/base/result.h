// What a function returns when the world may fail: a value or an error.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "base/assert.h"

namespace starling {

// A failure of the operating system or of a peer. `text` is a literal and says what was tried.
struct Error {
    int code = 0;  // errno, or 0 when the peer closed
    const char* text = "";

    bool operator==(const Error& other) const { return code == other.code; }
};

// Either a T or an E. The caller looks before it takes.
template <typename T, typename E = Error>
class [[nodiscard]] Result {
public:
    using Value = T;

    Result(T value) : ok_(true) { new (&value_) T(std::move(value)); }
    Result(E error) : ok_(false) { new (&error_) E(std::move(error)); }
    Result(Result&& other) noexcept : ok_(other.ok_) {
        if (ok_) new (&value_) T(std::move(other.value_));
        else new (&error_) E(std::move(other.error_));
    }
    Result& operator=(Result&&) = delete;
    ~Result() {
        if (ok_) value_.~T();
        else error_.~E();
    }

    explicit operator bool() const { return ok_; }
    bool ok() const { return ok_; }

    // REQUIRES: ok().
    T& operator*() {
        STARLING_ASSERT(ok_);
        return value_;
    }
    const T& operator*() const {
        STARLING_ASSERT(ok_);
        return value_;
    }
    T* operator->() { return &**this; }
    const T* operator->() const { return &**this; }

    // Moves the value out, if there is one; answers whether.
    template <typename Target>
    bool move_to(Target& target) {
        if (ok_) target = std::move(value_);
        return ok_;
    }

    // REQUIRES: !ok().
    const E& error() const {
        STARLING_ASSERT(!ok_);
        return error_;
    }

private:
    bool ok_;
    union {
        T value_;
        E error_;
    };
};

template <typename E>
class [[nodiscard]] Result<void, E> {
public:
    Result() = default;
    Result(E error) : ok_(false), error_(std::move(error)) {}

    explicit operator bool() const { return ok_; }
    bool ok() const { return ok_; }
    const E& error() const {
        STARLING_ASSERT(!ok_);
        return error_;
    }

private:
    bool ok_ = true;
    E error_{};
};

}  // namespace starling

// STARLING_TRY(name, expression): returns the error from the enclosing function, or binds the
// value.
#define STARLING_TRY(name, expression)                \
    auto name##_result = (expression);                \
    if (!name##_result) return name##_result.error(); \
    auto& name = *name##_result

// Returns the error from the enclosing function, or assigns the value.
#define STARLING_SET(target, expression) \
    if (auto set_result = (expression); !set_result.move_to(target)) return set_result.error()

// The same for a Result<void>.
#define STARLING_CHECK(expression) \
    if (auto check_result = (expression); !check_result) return check_result.error()
