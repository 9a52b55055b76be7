#include "transport/quic/parking.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"

// A blob:
//
//     used 4 | chunks 2 | each: index 2 | differing words 8 | which are offsets, a bit each | words
//
// and a word: a bit for each byte that is not zero, then those bytes of its value XOR the
// pattern's.
namespace starling::quic {
namespace {

constexpr std::size_t kWordBytesMax = 9;
constexpr std::size_t kPackedChunkMax = 2 + 8 + kChunkWords / 8 + kChunkWords * kWordBytesMax;
constexpr std::size_t kHeadBytes = 6;

constexpr Template::Chunk kZeroChunk;

std::size_t chunks_of(std::uint32_t bytes) { return (bytes + kChunkBytes - 1) / kChunkBytes; }

const Template::Chunk& pattern_of(const Template& pattern, std::size_t index) {
    const Template::Chunk* chunk = pattern.chunk(index);
    return chunk ? *chunk : kZeroChunk;
}

// Most of a window is: the library's memcmp reads it faster than a loop does.
bool is_zero(const std::uint64_t* words) {
    return words[0] == 0 && std::memcmp(words, words + 1, kChunkBytes - sizeof *words) == 0;
}

// A word of a window, as an offset when it points into that window.
struct Relative {
    std::uint64_t value;
    bool is_offset;

    Relative(std::uint64_t word, std::uint64_t base, std::uint64_t window_bytes)
        : value(word - base),
          is_offset(value < window_bytes) {
        if (!is_offset) value = word;
    }
};

// Which words of a chunk are not what the pattern has there.
std::uint64_t differing_words(const std::uint64_t* words, std::uint64_t base,
                              const Template::Chunk& pattern) {
    if (pattern.offsets == 0 && std::memcmp(words, pattern.values.data(), kChunkBytes) == 0)
        return 0;
    std::array<std::uint64_t, kChunkWords> values;
    std::copy_n(words, kChunkWords, values.begin());
    for (std::uint64_t rest = pattern.offsets; rest != 0; rest &= rest - 1)
        values[static_cast<std::size_t>(std::countr_zero(rest))] -= base;
    if (std::memcmp(values.data(), pattern.values.data(), kChunkBytes) == 0) return 0;
    std::uint64_t differing = 0;
    for (std::size_t i = 0; i < kChunkWords; ++i)
        differing |= std::uint64_t{values[i] != pattern.values[i]} << i;
    return differing;
}

template <typename T>
std::byte* put(std::byte* at, T value) {
    std::memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

template <typename T>
T get(const std::byte*& at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    at += sizeof value;
    return value;
}

std::byte* put_word(std::byte* at, std::uint64_t word) {
    std::byte* bits = at++;
    unsigned mask = 0;
    for (unsigned byte = 0; word != 0; ++byte, word >>= 8) {
        if ((word & 0xFF) == 0) continue;
        mask |= 1u << byte;
        *at++ = static_cast<std::byte>(word);
    }
    *bits = static_cast<std::byte>(mask);
    return at;
}

std::uint64_t get_word(const std::byte*& at) {
    std::uint64_t word = 0;
    for (auto mask = std::to_integer<unsigned>(*at++); mask != 0; mask &= mask - 1)
        word |= std::uint64_t{std::to_integer<unsigned>(*at++)} << (8 * std::countr_zero(mask));
    return word;
}

// What the pattern has in a window that begins at `base`.
std::uint64_t pattern_word(const Template::Chunk& pattern, std::size_t i, std::uint64_t base) {
    return pattern.values[i] + ((pattern.offsets >> i & 1) != 0 ? base : 0);
}

// Appends what differs from the pattern, if anything does, and puts the pattern in its place.
std::byte* pack_chunk(std::byte* at, std::size_t index, const WindowView& window,
                      const Template::Chunk& pattern) {
    std::uint64_t* words = &window.words[index * kChunkWords];
    const std::uint64_t differing = differing_words(words, window.base(), pattern);
    if (differing == 0) return at;

    at = put(at, static_cast<std::uint16_t>(index));
    at = put(at, differing);
    std::byte* offsets = at;
    at += (std::popcount(differing) + 7) / 8;
    std::fill(offsets, at, std::byte{0});
    unsigned word = 0;
    for (std::uint64_t rest = differing; rest != 0; rest &= rest - 1, ++word) {
        const auto i = static_cast<std::size_t>(std::countr_zero(rest));
        const Relative stored(words[i], window.base(), window.bytes());
        if (stored.is_offset) offsets[word / 8] |= std::byte(1u << word % 8);
        at = put_word(at, stored.value ^ pattern.values[i]);
        words[i] = pattern_word(pattern, i, window.base());
    }
    return at;
}

// Reads the next chunk of a blob into `words`, those that differ from the pattern.
void unpack_chunk(const std::byte*& at, std::uint64_t* words, const Template::Chunk& pattern,
                  std::uint64_t base) {
    const auto differing = get<std::uint64_t>(at);
    const std::byte* offsets = at;
    at += (std::popcount(differing) + 7) / 8;
    unsigned word = 0;
    for (std::uint64_t rest = differing; rest != 0; rest &= rest - 1, ++word) {
        const auto i = static_cast<std::size_t>(std::countr_zero(rest));
        const bool is_offset = (offsets[word / 8] >> (word % 8) & std::byte{1}) != std::byte{0};
        words[i] = (pattern.values[i] ^ get_word(at)) + (is_offset ? base : 0);
    }
}

void place(std::uint64_t* words, const Template::Chunk& chunk, std::uint64_t base) {
    std::copy(chunk.values.begin(), chunk.values.end(), words);
    for (std::uint64_t rest = chunk.offsets; rest != 0; rest &= rest - 1)
        words[std::countr_zero(rest)] += base;
}

}  // namespace

void Template::show(std::span<const std::uint64_t> words, std::uint64_t base,
                    std::uint64_t window_bytes) {
    chunks_.resize(chunks_of(used_));
    for (std::size_t index = 0; index < chunks_.size(); ++index) {
        Chunk& chunk = chunks_[index];
        for (std::size_t i = 0; i < kChunkWords; ++i) {
            const Relative seen(words[index * kChunkWords + i], base, window_bytes);
            const std::uint64_t bit = std::uint64_t{1} << i;
            if (shown_ == 0) {
                chunk.values[i] = seen.value;
                if (seen.is_offset) chunk.offsets |= bit;
            } else if (chunk.values[i] != seen.value ||
                       ((chunk.offsets & bit) != 0) != seen.is_offset) {
                chunk.values[i] = 0;
                chunk.offsets &= ~bit;
            }
        }
        chunk.is_zero = chunk.offsets == 0 && is_zero(chunk.values.data());
    }
    ++shown_;
}

Bytes pack(WindowView window, std::uint32_t used, const Template& pattern, ByteVector& scratch) {
    std::size_t size = kHeadBytes;
    std::uint16_t stored = 0;
    // Beyond `used` a window is zero, but a pattern may go on: its words are then a difference.
    const std::size_t chunks = std::max(chunks_of(used), chunks_of(pattern.used()));
    for (std::size_t index = 0; index < chunks; ++index) {
        const std::uint64_t* words = &window.words[index * kChunkWords];
        const Template::Chunk& common = pattern_of(pattern, index);
        if (common.is_zero && is_zero(words)) continue;
        if (scratch.size() < size + kPackedChunkMax) scratch.resize(2 * size + kPackedChunkMax);
        std::byte* const start = scratch.data() + size;
        const std::byte* end = pack_chunk(start, index, window, common);
        stored = static_cast<std::uint16_t>(stored + (end != start));
        size += static_cast<std::size_t>(end - start);
    }
    scratch.resize(std::max(scratch.size(), size));
    put(put(scratch.data(), used), stored);
    return Bytes(scratch).first(size);
}

std::uint32_t packed_used(const std::byte* blob) { return get<std::uint32_t>(blob); }

void unpack(WindowView window, const std::byte* blob, const Template& pattern,
            std::uint32_t dirty) {
    const std::size_t chunks = std::max(chunks_of(pattern.used()), chunks_of(dirty));
    for (std::size_t index = 0; index < chunks; ++index) {
        std::uint64_t* words = &window.words[index * kChunkWords];
        const Template::Chunk& common = pattern_of(pattern, index);
        if (!common.is_zero) place(words, common, window.base());
        else if (!is_zero(words)) std::fill_n(words, kChunkWords, 0);
    }
    unpack_onto_pattern(window, blob, pattern);
}

void unpack_onto_pattern(WindowView window, const std::byte* blob, const Template& pattern) {
    blob += sizeof(std::uint32_t);
    for (auto stored = get<std::uint16_t>(blob); stored != 0; --stored) {
        const std::size_t index = get<std::uint16_t>(blob);
        unpack_chunk(blob, &window.words[index * kChunkWords], pattern_of(pattern, index),
                     window.base());
    }
}

}  // namespace starling::quic
