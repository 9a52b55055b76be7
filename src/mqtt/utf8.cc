#include "mqtt/utf8.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace starling {
namespace {

// Whether the eight bytes at `at` are ASCII without U+0000. With every high bit clear, taking one
// from each byte sets a high bit only where there was a zero.
bool are_plain(const char* at) {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return ((word | (word - kOnes)) & (kOnes << 7)) == 0;
}

// The size of the well-formed character at the front of `text`, or 0. REQUIRES: !text.empty().
std::size_t character_size(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return lead == 0 ? 0 : 1;

    const auto size = static_cast<std::size_t>(std::countl_one(lead));
    if (size < 2 || size > 4 || text.size() < size) return 0;
    std::uint32_t code = lead & (0x7Fu >> size);
    for (const char c : text.substr(1, size - 1)) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0) != 0x80) return 0;
        code = code << 6 | (byte & 0x3Fu);
    }

    constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < kLeast[size] || code > 0x10FFFF || is_surrogate ? 0 : size;
}

}  // namespace

bool is_mqtt_text(std::string_view text) {
    while (!text.empty()) {
        const bool plain = text.size() >= 8 && are_plain(text.data());
        const std::size_t size = plain ? 8 : character_size(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

}  // namespace starling
