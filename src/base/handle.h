// Names for objects in a slab: a handle to something that is gone finds nothing.
#pragma once

#include <cstdint>

namespace starling {

// An object of one core's slab. Generation 0 names nothing.
struct Handle {
    std::uint32_t index = 0;
    std::uint32_t generation = 0;

    explicit operator bool() const { return generation != 0; }
    bool operator==(const Handle&) const = default;

    std::uint64_t packed() const { return std::uint64_t{generation} << 32 | index; }
    static Handle unpack(std::uint64_t value) {
        return {static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32)};
    }
};

using CoreId = std::uint16_t;

// An object of any core's slab.
struct RemoteHandle {
    CoreId core = 0;
    Handle handle;

    explicit operator bool() const { return bool(handle); }
    bool operator==(const RemoteHandle&) const = default;
};

}  // namespace starling
