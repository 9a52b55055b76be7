// Variable byte integers (MQTT 5.0, section 1.5.5): 7 bits a byte, at most four bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace starling {

inline constexpr std::uint32_t kVarintMax = 268'435'455;

// The largest control packet that its own length can tell: a type byte, four of length, the body.
inline constexpr std::uint32_t kPacketBytesMax = 5 + kVarintMax;

constexpr std::size_t varint_size(std::uint32_t value) {
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}

// Writes the shortest form [MQTT-1.5.5-1]; returns where the next byte goes.
// REQUIRES: value <= kVarintMax.
inline std::byte* store_varint(std::byte* at, std::uint32_t value) {
    for (; value >= 0x80; value >>= 7) at = store_u8(at, (value & 0x7F) | 0x80);
    return store_u8(at, value);
}

// A variable byte integer as it was read.
struct Varint {
    static constexpr std::size_t kTooLong = 5;

    std::uint32_t value = 0;
    std::size_t size = 0;  // 0: not whole yet; kTooLong: its fourth byte announces a fifth
};

inline Varint load_varint(Bytes bytes) {
    std::uint32_t value = 0;
    for (std::size_t at = 0; at < 4; ++at) {
        if (at == bytes.size()) return {};
        const auto byte = std::to_integer<std::uint32_t>(bytes[at]);
        value |= (byte & 0x7F) << (7 * at);
        if (byte < 0x80) return {value, at + 1};
    }
    return {0, Varint::kTooLong};
}

}  // namespace starling
