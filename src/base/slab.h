// Fixed-size objects in chunks, named by a 32-bit index and a generation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/handle.h"

namespace starling {

// Objects never move; a freed place is used again (last freed first) under the next generation, so
// a stale handle finds nothing. Chunks are returned only with the slab. Cost: sizeof(T) + 4 bytes
// an object, one allocation per chunk. Owner: one core.
template <typename T, std::uint32_t kChunkObjects = 256>
class Slab {
public:
    Slab() = default;
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;
    ~Slab() {
        for_each([](Handle, T& object) { object.~T(); });
    }

    // Makes an object and names it.
    template <typename... Arguments>
    Handle emplace(Arguments&&... arguments) {
        const std::uint32_t index = take_place();
        Place& place = at(index);
        new (place.storage) T(std::forward<Arguments>(arguments)...);
        ++place.generation;  // odd: alive
        ++size_;
        return {index, place.generation};
    }

    // REQUIRES: the handle names a living object.
    void erase(Handle handle) {
        T* object = find(handle);
        STARLING_ASSERT(object != nullptr);
        object->~T();
        Place& place = at(handle.index);
        ++place.generation;  // even: free
        --size_;
        std::memcpy(place.storage, &free_, sizeof free_);
        free_ = handle.index;
    }

    // The object, or null when it is gone.
    T* find(Handle handle) {
        if (handle.index >= used_) return nullptr;
        Place& place = at(handle.index);
        return place.generation == handle.generation && (handle.generation & 1) != 0
                   ? place.object()
                   : nullptr;
    }

    // The object at an index that somebody on this core keeps right by construction.
    // REQUIRES: it is alive.
    T& operator[](std::uint32_t index) { return *at(index).object(); }
    const T& operator[](std::uint32_t index) const { return *at(index).object(); }

    bool is_alive(std::uint32_t index) const {
        return index < used_ && (at(index).generation & 1) != 0;
    }

    // REQUIRES: the object at `index` is alive.
    Handle handle(std::uint32_t index) const { return {index, at(index).generation}; }

    // Calls visit(handle, object) for each living object; visit may erase that one.
    template <typename Visit>
    void for_each(Visit visit) {
        for (std::uint32_t index = 0; index < used_; ++index)
            if (is_alive(index)) visit(handle(index), (*this)[index]);
    }

    std::uint32_t size() const { return size_; }

    // One past the highest index ever used: the bound for a sweep by index.
    std::uint32_t index_end() const { return used_; }

private:
    struct Place {
        alignas(T) alignas(std::uint32_t) std::byte storage[sizeof(T) < 4 ? 4 : sizeof(T)];
        std::uint32_t generation;

        T* object() { return std::launder(reinterpret_cast<T*>(storage)); }
        const T* object() const { return std::launder(reinterpret_cast<const T*>(storage)); }
    };
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    Place& at(std::uint32_t index) { return chunks_[index / kChunkObjects][index % kChunkObjects]; }
    const Place& at(std::uint32_t index) const {
        return chunks_[index / kChunkObjects][index % kChunkObjects];
    }

    std::uint32_t take_place() {
        if (free_ != kNone) {
            const std::uint32_t index = free_;
            std::memcpy(&free_, at(index).storage, sizeof free_);
            return index;
        }
        if (used_ == chunks_.size() * kChunkObjects) {
            chunks_.emplace_back(new Place[kChunkObjects]);
            for (std::uint32_t i = 0; i < kChunkObjects; ++i) chunks_.back()[i].generation = 0;
        }
        return used_++;
    }

    std::vector<std::unique_ptr<Place[]>> chunks_;
    std::uint32_t used_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t free_ = kNone;
};

}  // namespace starling
