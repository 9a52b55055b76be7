// Objects of a slab in the order they came.
#pragma once

#include <cstdint>

#include "base/slab.h"

namespace starling {

// A doubly linked list through the objects' own `newer` and `older` fields, by index. The owner
// removes an object before it erases it. Owner: one core.
template <typename T>
class AgeList {
public:
    explicit AgeList(Slab<T>& slab) : slab_(slab) {}

    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    void add(std::uint32_t index) {
        slab_[index].older = newest_;
        slab_[index].newer = kNone;
        (newest_ == kNone ? oldest_ : slab_[newest_].newer) = index;
        newest_ = index;
        ++size_;
    }

    void remove(std::uint32_t index) {
        const T& object = slab_[index];
        (object.older == kNone ? oldest_ : slab_[object.older].newer) = object.newer;
        (object.newer == kNone ? newest_ : slab_[object.newer].older) = object.older;
        --size_;
    }

    std::uint32_t oldest() const { return oldest_; }
    std::uint32_t size() const { return size_; }

private:
    Slab<T>& slab_;
    std::uint32_t oldest_ = kNone;
    std::uint32_t newest_ = kNone;
    std::uint32_t size_ = 0;
};

}  // namespace starling
