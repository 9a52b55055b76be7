// Shared ownership of something that never changes.
#pragma once

#include <cstddef>
#include <utility>

namespace starling {

// Counts one reference to a T, which has retain() and release() const. May be empty.
template <typename T>
class Ref {
public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    Ref(const Ref& other) : target_(other.target_) {
        if (target_) target_->retain();
    }
    Ref(Ref&& other) noexcept : target_(std::exchange(other.target_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(target_, other.target_);
        return *this;
    }
    ~Ref() {
        if (target_) target_->release();
    }

    // Takes over a reference that the caller holds already.
    static Ref adopt(T* target) {
        Ref ref;
        ref.target_ = target;
        return ref;
    }

    explicit operator bool() const { return target_ != nullptr; }
    T* get() const { return target_; }
    T& operator*() const { return *target_; }
    T* operator->() const { return target_; }
    bool operator==(const Ref& other) const { return target_ == other.target_; }

private:
    T* target_ = nullptr;
};

}  // namespace starling
