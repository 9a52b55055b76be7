#include "transport/quic/parking.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/random.h"
#include "transport/quic/template_book.h"

namespace starling::quic {
namespace {

constexpr std::size_t kWords = 64 * kChunkWords;
constexpr std::uint32_t kBytes = kWords * 8;

// A window of 32 KiB. Owner: the test.
struct TestWindow {
    std::vector<std::uint64_t> words = std::vector<std::uint64_t>(kWords);

    WindowView view() { return {words}; }
    std::uint64_t base() { return view().base(); }
    std::uint32_t used = kBytes;
};

// Packs and unpacks, onto what packing left and after tearing that down; returns the bytes that it
// took.
std::size_t round_trip(TestWindow& window, const Template& pattern, std::uint32_t dirty = kBytes) {
    const std::vector<std::uint64_t> before = window.words;
    ByteVector scratch;
    const Bytes packed = pack(window.view(), window.used, pattern, scratch);
    const ByteVector blob(packed.begin(), packed.end());
    EXPECT_EQ(packed_used(blob.data()), window.used);
    unpack_onto_pattern(window.view(), blob.data(), pattern);
    EXPECT_EQ(window.words, before);
    std::fill(window.words.begin(), window.words.begin() + dirty / 8, 0xDBDBDBDBDBDBDBDBu);
    unpack(window.view(), blob.data(), pattern, dirty);
    EXPECT_EQ(window.words, before);
    return blob.size();
}

// Words of every kind that there is: nothing, small, random, pointers into the window and about it.
std::uint64_t any_word(Random& random, std::uint64_t base) {
    switch (random.below(8)) {
        case 0:
        case 1:
        case 2: return 0;
        case 3: return random.below(256);
        case 4: return random.next();
        case 5: return base + random.below(kBytes);
        case 6: return base - 1 - random.below(16);
        default: return base + kBytes + random.below(16);
    }
}

TEST(Parking, RestoresAnything) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        TestWindow window;
        Template pattern(random.below(2) ? kBytes : 512 * random.below(64));
        for (std::uint32_t shown = random.below(4); shown != 0; --shown) {
            TestWindow other;
            for (auto& word : other.words) word = any_word(random, other.base());
            pattern.show(other.words, other.base(), other.view().bytes());
        }
        window.used = 8 * random.below(kWords + 1);
        for (std::uint32_t i = 0; i < window.used / 8; ++i)
            window.words[i] = any_word(random, window.base());
        round_trip(window, pattern);
    }
}

// What pointed into the one window points into the other; nothing else changes.
TEST(Parking, RestoresInAnotherWindow) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        Random random(seed);
        TestWindow from, to;
        for (auto& word : from.words) word = any_word(random, from.base());
        for (auto& word : to.words) word = random.next();
        const std::vector<std::uint64_t> before = from.words;
        ByteVector scratch;
        const Bytes packed = pack(from.view(), kBytes, Template(0), scratch);
        unpack(to.view(), packed.data(), Template(0), kBytes);
        for (std::size_t i = 0; i < kWords; ++i) {
            const std::uint64_t offset = before[i] - from.base();
            EXPECT_EQ(to.words[i], offset < kBytes ? to.base() + offset : before[i]);
        }
    }
}

TEST(Parking, TakesNoValueForAMark) {
    TestWindow window;
    Template pattern(kBytes);
    TestWindow shown;
    // In the template an offset, in the window a number of the same value, and the reverse.
    shown.words[0] = shown.base() + 64;
    shown.words[1] = 64;
    pattern.show(shown.words, shown.base(), shown.view().bytes());
    window.words[0] = 64;
    window.words[1] = window.base() + 64;
    round_trip(window, pattern);
    EXPECT_EQ(window.words[0], 64u);
}

TEST(Parking, CostsOnlyWhatDiffers) {
    Random random(1);
    TestWindow one, other;
    for (std::size_t i = 0; i < kWords; i += 2) {
        const std::uint64_t value = random.next();
        const std::uint32_t place = random.below(kBytes);
        one.words[i] = other.words[i] = value;
        one.words[i + 1] = one.base() + place;
        other.words[i + 1] = other.base() + place;
    }
    Template pattern(kBytes);
    pattern.show(one.words, one.base(), one.view().bytes());
    EXPECT_EQ(round_trip(other, pattern), 6u) << "addresses of its own window are no difference";
    other.words[76] ^= 0xFF00;
    EXPECT_EQ(round_trip(other, pattern), 6u + 2 + 8 + 1 + 2);
}

// So that the next connection of the kind writes only what is its own.
TEST(Parking, LeavesThePattern) {
    Random random(1);
    TestWindow shown, window;
    for (std::size_t i = 0; i < kWords / 2; i += 2) {
        shown.words[i] = random.next();
        shown.words[i + 1] = shown.base() + random.below(kBytes);
    }
    Template pattern(kBytes);
    pattern.show(shown.words, shown.base(), shown.view().bytes());
    for (auto& word : window.words) word = any_word(random, window.base());
    ByteVector scratch;
    pack(window.view(), kBytes, pattern, scratch);
    for (std::size_t i = 0; i < kWords; ++i) {
        const bool is_offset = i < kWords / 2 && i % 2 == 1;
        ASSERT_EQ(window.words[i],
                  is_offset ? shown.words[i] - shown.base() + window.base() : shown.words[i]);
    }
}

TEST(Parking, ClearsWhatTheLastOwnerLeft) {
    TestWindow window;
    window.used = 1'024;
    window.words[3] = 7;
    round_trip(window, Template(0), kBytes);
}

TEST(TemplateBook, KeepsWhatIsCommonAndNoSecret) {
    TemplateBook book;
    Random random(1);
    std::uint8_t chosen = 0;
    constexpr std::uint64_t kCommon = 0x1122334455667788;
    for (std::uint32_t i = 0; i < TemplateBook::kShown; ++i) {
        TestWindow window;
        window.words[0] = kCommon;
        window.words[1] = random.next();
        window.words[2] = window.base() + 8;
        EXPECT_EQ(chosen, 0) << "not before it was shown enough";
        chosen = book.choose(window.view(), kBytes);
    }
    ASSERT_EQ(chosen, 1);
    const Template::Chunk& chunk = *book[chosen].chunk(0);
    EXPECT_EQ(chunk.values[0], kCommon);
    EXPECT_EQ(chunk.values[1], 0u);
    EXPECT_EQ(chunk.values[2], 8u);
    EXPECT_EQ(chunk.offsets, 4u);
}

TEST(TemplateBook, ChoosesTheNearestAndHasABound) {
    TemplateBook book;
    TestWindow other;
    for (std::uint32_t size = 1; size <= 60; ++size)
        for (int i = 0; i < 100; ++i) book.choose(other.view(), size * 512);
    EXPECT_EQ(book.size(), TemplateBook::kTemplates);
    TestWindow window;
    EXPECT_EQ(book[book.choose(window.view(), 512)].used(), 512u);
    EXPECT_EQ(book[book.choose(window.view(), 1'100)].used(), 1'024u);
    EXPECT_EQ(book.choose(window.view(), 0), 0);
}

}  // namespace
}  // namespace starling::quic
