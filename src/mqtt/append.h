// Puts fields at the end of a buffer.
#pragma once

#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "mqtt/varint.h"

namespace starling {

// Lengthens `out` by `count` bytes; returns where they go.
inline std::byte* extend(ByteVector& out, std::size_t count) {
    out.resize(out.size() + count);
    return out.data() + out.size() - count;
}

inline void append_u8(ByteVector& out, unsigned value) { store_u8(extend(out, 1), value); }
inline void append_u16(ByteVector& out, std::uint16_t value) { store_u16(extend(out, 2), value); }
inline void append_u32(ByteVector& out, std::uint32_t value) { store_u32(extend(out, 4), value); }
inline void append_bytes(ByteVector& out, Bytes value) {
    store_bytes(extend(out, value.size()), value);
}

// REQUIRES: value <= kVarintMax.
inline void append_varint(ByteVector& out, std::size_t value) {
    STARLING_ASSERT(value <= kVarintMax);
    const auto number = static_cast<std::uint32_t>(value);
    store_varint(extend(out, varint_size(number)), number);
}

// REQUIRES: value.size() <= 65535.
inline void append_binary(ByteVector& out, Bytes value) {
    STARLING_ASSERT(value.size() <= 0xFFFF);
    append_u16(out, static_cast<std::uint16_t>(value.size()));
    append_bytes(out, value);
}
inline void append_string(ByteVector& out, std::string_view value) {
    append_binary(out, as_bytes(value));
}

}  // namespace starling
