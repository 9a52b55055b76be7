// Parks windows of any content, against templates of any content: each comes back to the last bit,
// and to another window with its pointers led there.
#include <algorithm>
#include <array>

#include "base/assert.h"
#include "transport/quic/parking.h"

namespace starling::quic {
namespace {

constexpr std::size_t kWords = 16 * kChunkWords;
using Window = std::array<std::uint64_t, kWords>;

// Kept where they are from run to run, so that an input means the same each time.
Window g_window, g_shown;

bool points_into(const Window& window, std::uint64_t word) {
    return word - reinterpret_cast<std::uint64_t>(window.data()) < sizeof window;
}

// Eight bytes of the input make a word; some of them a pointer into the window, or nearly. None
// points into the other one.
void fill(Window& words, Bytes input, const Window& other) {
    words.fill(0);
    const auto base = reinterpret_cast<std::uint64_t>(words.data());
    for (std::size_t i = 0; i < words.size() && !input.empty(); ++i) {
        std::uint64_t word = 0;
        const std::size_t size = std::min<std::size_t>(8, input.size());
        store_bytes(reinterpret_cast<std::byte*>(&word), input.first(size));
        input = input.subspan(size);
        if ((word & 3) == 1) word = base + word % (2 * sizeof words) - sizeof words / 2;
        words[i] = points_into(other, word) ? 0 : word;
    }
}

void run(Bytes input) {
    if (input.size() < 4) return;
    const std::uint32_t used = load_u16(&input[0]) % (kWords * 8 + 1);
    const std::uint32_t pattern_used = load_u16(&input[2]) % (kWords * 8 + 1);
    input = input.subspan(4);
    const Bytes first = input.first(input.size() / 2), second = input.subspan(input.size() / 2);

    Window &window = g_window, &shown = g_shown;
    fill(window, first, shown);
    fill(shown, second, window);
    std::fill(window.begin() + (used + 7) / 8, window.end(), 0);
    Template pattern(pattern_used);
    pattern.show(shown, reinterpret_cast<std::uint64_t>(shown.data()), kWords * 8);

    const Window before = window;
    ByteVector scratch;
    const Bytes packed = pack({window}, used, pattern, scratch);
    const ByteVector blob(packed.begin(), packed.end());
    unpack_onto_pattern({window}, blob.data(), pattern);
    STARLING_ASSERT(window == before);
    window.fill(0xDBDBDBDBDBDBDBDBu);
    unpack({window}, blob.data(), pattern, kWords * 8);
    STARLING_ASSERT(window == before);

    // Into another window nothing changes but what pointed into the first.
    const auto base = reinterpret_cast<std::uint64_t>(window.data());
    const auto other_base = reinterpret_cast<std::uint64_t>(shown.data());
    unpack({shown}, blob.data(), pattern, kWords * 8);
    for (std::size_t i = 0; i < kWords; ++i) {
        const bool moves = points_into(window, before[i]);
        STARLING_ASSERT(shown[i] == before[i] + (moves ? other_base - base : 0));
    }
}

}  // namespace
}  // namespace starling::quic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::quic::run(std::as_bytes(std::span(data, size)));
    return 0;
}
