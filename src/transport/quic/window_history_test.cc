// Connections of all sizes that come, grow, move and go in any order: each finds what it left, and
// what it gets fresh is zero.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "transport/quic/window_cache.h"

namespace starling::quic {
namespace {

constexpr std::size_t kSizes[] = {1'000, 30'000, 70'000, 100'000, 300'000, 700'000};
constexpr std::size_t kLookedBeyond = 1 << 20;

bool holds(const std::byte* at, std::size_t bytes, std::byte what) {
    return std::all_of(at, at + bytes, [&](std::byte one) { return one == what; });
}

// What is in a window, remembered outside. Owner: the test.
class Guest {
public:
    Guest(WindowCache& cache, std::uint32_t number) : cache_(cache), number_(number) {}
    ~Guest() { cache_.release(place_); }

    bool is_here() const { return place_.is_bound(); }
    void come() {
        cache_.bind(place_);
        cache_.leave(place_);
    }
    void go() {
        cache_.release(place_);
        blocks_.clear();
    }

    void look() {
        WindowHeap& heap = cache_.enter(place_);
        for (const Block& block : blocks_)
            ASSERT_TRUE(holds(begin(heap) + block.offset, block.bytes, block.content));
        ASSERT_TRUE(holds(begin(heap) + heap.used(), kLookedBeyond, std::byte{0}));
        cache_.leave(place_);
    }
    // Of some sizes all guests write the same, so that they have a template.
    void grow(Random& random) {
        const std::size_t bytes = kSizes[random.below(std::size(kSizes))];
        const auto content = static_cast<std::byte>(random.below(2) ? 7 : number_ + 100);
        WindowHeap& heap = cache_.enter(place_);
        auto* block = static_cast<std::byte*>(heap.allocate(bytes));
        ASSERT_TRUE(holds(block, bytes, std::byte{0}));
        std::memset(block, std::to_integer<int>(content), bytes);
        blocks_.push_back({static_cast<std::size_t>(block - begin(heap)), bytes, content});
        cache_.leave(place_);
    }
    void shrink() {
        if (blocks_.empty()) return;
        WindowHeap& heap = cache_.enter(place_);
        heap.release(begin(heap) + blocks_.back().offset);
        blocks_.pop_back();
        cache_.leave(place_);
    }
    void move() {
        cache_.take_out(place_);
        cache_.take_in(place_);
    }

private:
    struct Block {
        std::size_t offset, bytes;
        std::byte content;
    };
    static std::byte* begin(WindowHeap& heap) { return reinterpret_cast<std::byte*>(&heap); }

    WindowCache& cache_;
    const std::uint32_t number_;
    WindowCache::Place place_;
    std::vector<Block> blocks_;
};

class WindowHistoryTest : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(, WindowHistoryTest, testing::Bool(), [](const auto& one) {
    return std::string(one.param ? "parked" : "resident");
});

TEST_P(WindowHistoryTest, LeavesEachItsOwn) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        WindowCache cache({.windows = 3, .parks_always = GetParam()}, seed);
        std::vector<std::unique_ptr<Guest>> guests;
        for (std::uint32_t number = 0; number < 12; ++number)
            guests.push_back(std::make_unique<Guest>(cache, number));
        for (int step = 0; step < 300 && !HasFatalFailure(); ++step) {
            if (random.below(4) == 0) cache.give_back(random.below(8));
            Guest& guest = *guests[random.below(static_cast<std::uint32_t>(guests.size()))];
            if (!guest.is_here()) {
                guest.come();
                guest.grow(random);
                continue;
            }
            switch (random.below(8)) {
                case 0: guest.go(); break;
                case 1: guest.grow(random); break;
                case 2: guest.shrink(); break;
                case 3: guest.move(); break;
                default: guest.look();
            }
        }
        guests.clear();
        EXPECT_EQ(cache.counts().parked, 0u);
        EXPECT_EQ(cache.counts().pinned, 0u);
        EXPECT_EQ(cache.counts().large, 0u);
    }
}

}  // namespace
}  // namespace starling::quic
