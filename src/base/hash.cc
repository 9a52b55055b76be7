#include "base/hash.h"

#include <array>
#include <bit>
#include <cstring>

namespace starling {
namespace {

struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void round() {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
};

std::uint64_t load_word(const char* at) {
    std::uint64_t value = 0;
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(&value, at, 8);
    } else {
        for (std::size_t i = 0; i < 8; ++i)
            value |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
    }
    return value;
}

// The last size % 8 bytes, as the low ones of a word.
std::uint64_t load_tail(std::string_view text) {
    const std::size_t tail = text.size() % 8;
    if (tail == 0) return 0;
    // Bytes before them shift out again: faster than copying a few.
    if (text.size() > 8) return load_word(text.data() + text.size() - 8) >> (8 * (8 - tail));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < tail; ++i)
        value |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
    return value;
}

constexpr std::array<std::uint16_t, 256> make_crc_table() {
    std::array<std::uint16_t, 256> table{};
    for (unsigned byte = 0; byte < 256; ++byte) {
        unsigned crc = byte << 8;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
        table[byte] = static_cast<std::uint16_t>(crc);
    }
    return table;
}

constexpr std::array<std::uint16_t, 256> kCrcTable = make_crc_table();

}  // namespace

std::uint64_t keyed_hash(const HashKey& key, std::string_view text) {
    SipState state{key.first ^ 0x736F6D6570736575u, key.second ^ 0x646F72616E646F6Du,
                   key.first ^ 0x6C7967656E657261u, key.second ^ 0x7465646279746573u};
    for (std::size_t at = 0; at + 8 <= text.size(); at += 8) {
        const std::uint64_t word = load_word(text.data() + at);
        state.v3 ^= word;
        state.round();
        state.v0 ^= word;
    }
    const std::uint64_t last = std::uint64_t{text.size()} << 56 | load_tail(text);
    state.v3 ^= last;
    state.round();
    state.v0 ^= last;
    state.v2 ^= 0xFF;
    for (int i = 0; i < 3; ++i) state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

std::uint16_t crc16(std::string_view text) {
    unsigned crc = 0;
    for (const char c : text)
        crc = (crc << 8 & 0xFFFF) ^ kCrcTable[(crc >> 8 ^ static_cast<unsigned char>(c)) & 0xFF];
    return static_cast<std::uint16_t>(crc);
}

}  // namespace starling
