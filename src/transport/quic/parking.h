// Packs the window of a quiet connection into little, and unpacks it there or in another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace starling::quic {

// A window as 64-bit words, in chunks of 64.
inline constexpr std::size_t kChunkWords = 64;
inline constexpr std::size_t kChunkBytes = kChunkWords * 8;

// The words that connections of one kind have in common, so that only the others need be stored.
// Words that point into their own window are kept as offsets from its start, and a bit for each
// word tells which those are: no value is taken for a mark.
// Owner: one core; immutable once made.
class Template {
public:
    // What is common to all connections that show() saw. Keys and other secrets differ, so none
    // stays. `words` and what follows are of windows with the same used() bytes.
    // REQUIRES: none of the words points into a window other than its own.
    explicit Template(std::uint32_t used) : used_(used) {}
    void show(std::span<const std::uint64_t> words, std::uint64_t base, std::uint64_t window_bytes);

    std::uint32_t used() const { return used_; }
    std::uint32_t shown() const { return shown_; }

    struct Chunk {
        std::array<std::uint64_t, kChunkWords> values{};
        std::uint64_t offsets = 0;  // bit i: word i is an offset
        bool is_zero = true;
    };
    // Null beyond its end.
    const Chunk* chunk(std::size_t index) const {
        return index < chunks_.size() ? &chunks_[index] : nullptr;
    }

private:
    std::vector<Chunk> chunks_;
    std::uint32_t used_;
    std::uint32_t shown_ = 0;
};

// Where a window is. `words` covers all its bytes.
struct WindowView {
    std::span<std::uint64_t> words;
    std::uint64_t base() const { return reinterpret_cast<std::uint64_t>(words.data()); }
    std::uint64_t bytes() const { return words.size_bytes(); }
};

// Packs the first `used` bytes of a window, beyond which all is zero; `scratch` is reused. Whatever
// the content, unpack() restores it to the last bit. In the window stays what the pattern has
// there.
Bytes pack(WindowView window, std::uint32_t used, const Template& pattern, ByteVector& scratch);

// Bytes from the start that a blob fills.
std::uint32_t packed_used(const std::byte* blob);

// Restores what pack() saw. Beyond that, the first `dirty` bytes of the window are cleared: its
// last owner's. Into another window words that pointed into the first come as pointers into it.
// REQUIRES: windows of one size, the same pattern.
void unpack(WindowView window, const std::byte* blob, const Template& pattern, std::uint32_t dirty);

// The same, of a window that holds what pack() left there with this pattern: only the words that
// differ are written.
void unpack_onto_pattern(WindowView window, const std::byte* blob, const Template& pattern);

}  // namespace starling::quic
