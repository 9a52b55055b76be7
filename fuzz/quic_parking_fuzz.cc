// Parks windows of any content, against templates of any content: each comes back to the last bit,
// and to another window with its pointers led there.
#include <algorithm>
#include <vector>

#include "base/assert.h"
#include "transport/quic/parking.h"

namespace starling::quic {
namespace {

constexpr std::size_t kWords = 16 * kChunkWords;

// Eight bytes of the input make a word; some of them a pointer into the window, or nearly.
void fill(std::vector<std::uint64_t>& words, Bytes input) {
    const auto base = reinterpret_cast<std::uint64_t>(words.data());
    for (std::size_t i = 0; i < words.size() && !input.empty(); ++i) {
        std::uint64_t word = 0;
        const std::size_t size = std::min<std::size_t>(8, input.size());
        store_bytes(reinterpret_cast<std::byte*>(&word), input.first(size));
        input = input.subspan(size);
        const bool is_near = (word & 3) == 1;
        words[i] = is_near ? base + word % (2 * kWords * 8) - kWords * 4 : word;
    }
}

void run(Bytes input) {
    if (input.size() < 4) return;
    const std::uint32_t used = load_u16(&input[0]) % (kWords * 8 + 1);
    const std::uint32_t pattern_used = load_u16(&input[2]) % (kWords * 8 + 1);
    input = input.subspan(4);
    const Bytes first = input.first(input.size() / 2), second = input.subspan(input.size() / 2);

    std::vector<std::uint64_t> window(kWords), shown(kWords);
    fill(window, first);
    fill(shown, second);
    std::fill(window.begin() + (used + 7) / 8, window.end(), 0);
    Template pattern(pattern_used);
    pattern.show(shown, reinterpret_cast<std::uint64_t>(shown.data()), kWords * 8);

    const std::vector<std::uint64_t> before = window;
    ByteVector scratch;
    const Bytes packed = pack({window}, used, pattern, scratch);
    const ByteVector blob(packed.begin(), packed.end());
    std::fill(window.begin(), window.end(), 0xDBDBDBDBDBDBDBDBu);
    unpack({window}, blob.data(), pattern, kWords * 8);
    STARLING_ASSERT(window == before);

    // Into another window nothing changes but what pointed into the first.
    const auto base = reinterpret_cast<std::uint64_t>(window.data());
    const auto other_base = reinterpret_cast<std::uint64_t>(shown.data());
    unpack({shown}, blob.data(), pattern, kWords * 8);
    for (std::size_t i = 0; i < kWords; ++i) {
        const std::uint64_t offset = before[i] - base;
        STARLING_ASSERT(shown[i] == (offset < kWords * 8 ? other_base + offset : before[i]));
    }
}

}  // namespace
}  // namespace starling::quic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::quic::run(std::as_bytes(std::span(data, size)));
    return 0;
}
