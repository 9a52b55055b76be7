// Views of bytes, and the big-endian integers of the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace starling {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using ByteVector = std::vector<std::byte>;

inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::uint16_t load_u16(const std::byte* at) {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(at[0]) << 8 |
                                      std::to_integer<unsigned>(at[1]));
}

inline std::uint32_t load_u32(const std::byte* at) {
    return std::uint32_t{load_u16(at)} << 16 | load_u16(at + 2);
}

inline std::byte* store_u8(std::byte* at, unsigned value) {
    *at = static_cast<std::byte>(value);
    return at + 1;
}

inline std::byte* store_u16(std::byte* at, std::uint16_t value) {
    return store_u8(store_u8(at, value >> 8), value & 0xFF);
}

inline std::byte* store_u32(std::byte* at, std::uint32_t value) {
    return store_u16(store_u16(at, static_cast<std::uint16_t>(value >> 16)),
                     static_cast<std::uint16_t>(value));
}

// memcpy that may be given an empty view; returns where the next byte goes.
inline std::byte* store_bytes(std::byte* at, Bytes bytes) {
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    return at + bytes.size();
}

}  // namespace starling
