#include "transport/quic/window_cache.h"

#include <cstring>

#include <gtest/gtest.h>

#include "transport/quic/window_heap.h"

namespace starling::quic {
namespace {

class WindowHeapTest : public testing::Test {
protected:
    static constexpr std::size_t kBytes = 1 << 20;

    bool is_zero(const void* at, std::size_t bytes) {
        const auto* begin = static_cast<const std::byte*>(at);
        return std::all_of(begin, begin + bytes, [](std::byte one) { return one == std::byte{0}; });
    }

    std::vector<std::uint64_t> window = std::vector<std::uint64_t>(kBytes / 8);
    WindowHeap& heap = *WindowHeap::format(window.data(), kBytes);
};

TEST_F(WindowHeapTest, GivesClearedBlocksOfAnySize) {
    for (const std::size_t bytes : {0u, 1u, 16u, 17u, 496u, 497u, 4'096u, 100'000u}) {
        void* block = heap.allocate(bytes);
        ASSERT_NE(block, nullptr) << bytes;
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0u);
        EXPECT_TRUE(is_zero(block, bytes));
        std::memset(block, 0xFF, bytes);
        const std::uint32_t used = heap.used();
        heap.release(block);
        void* again = heap.allocate(bytes);
        EXPECT_EQ(again, block) << "the last freed is the next given";
        EXPECT_TRUE(is_zero(again, bytes));
        EXPECT_EQ(heap.used(), used);
    }
}

TEST_F(WindowHeapTest, FailsWhenThereIsNoRoom) {
    EXPECT_EQ(heap.allocate(kBytes), nullptr);
    EXPECT_EQ(heap.allocate(~std::size_t{0}), nullptr);
    EXPECT_EQ(heap.memory().calloc(~std::size_t{0} / 2, 4, heap.memory().user_data), nullptr);
    std::size_t blocks = 0;
    while (heap.allocate(10'000)) ++blocks;
    EXPECT_GT(blocks, 80u);
    EXPECT_NE(heap.allocate(100), nullptr);
}

TEST_F(WindowHeapTest, ReallocatesWithWhatWasThere) {
    const ngtcp2_mem& memory = heap.memory();
    auto* block = static_cast<char*>(memory.realloc(nullptr, 5, memory.user_data));
    std::memcpy(block, "hello", 5);
    block = static_cast<char*>(memory.realloc(block, 5'000, memory.user_data));
    EXPECT_EQ(std::string(block, 5), "hello");
    memory.free(block, memory.user_data);
    memory.free(nullptr, memory.user_data);
    EXPECT_EQ(heap.live(), 0u);
}

class WindowCacheTest : public testing::TestWithParam<bool> {
protected:
    WindowCache cache{{.windows = 2, .parks_always = GetParam()}, 1};
};

INSTANTIATE_TEST_SUITE_P(, WindowCacheTest, testing::Bool(), [](const auto& one) {
    return std::string(one.param ? "parked" : "resident");
});

// Each leaves a note in its window, by a pointer that it keeps there.
TEST_P(WindowCacheTest, ManyShareTheWindowsAndFindTheirOwn) {
    std::vector<std::unique_ptr<WindowCache::Place>> places;
    for (std::uint64_t i = 0; i < 20; ++i) {
        places.push_back(std::make_unique<WindowCache::Place>());
        WindowHeap& heap = cache.bind(*places.back());
        auto* note = static_cast<std::uint64_t*>(heap.allocate(100 + 200 * (i % 3)));
        *note = i;
        heap.root = reinterpret_cast<ngtcp2_conn*>(note);
        cache.leave(*places.back());
    }
    for (int round = 0; round < 3; ++round)
        for (std::uint64_t i = 0; i < places.size(); ++i) {
            auto* note = reinterpret_cast<std::uint64_t*>(cache.enter(*places[i]).root);
            EXPECT_EQ(*note, i + 1'000 * static_cast<std::uint64_t>(round));
            *note += 1'000;
            cache.leave(*places[i]);
        }
    EXPECT_GE(cache.counts().parked, 18u);
    for (auto& place : places) cache.release(*place);
    EXPECT_EQ(cache.counts().parked, 0u);
    EXPECT_EQ(cache.counts().blob_bytes, 0u);
}

// From one core to another and back, resident or parked, with neighbours that want the same
// windows.
TEST_P(WindowCacheTest, OnesStateGoesToAnotherCache) {
    WindowCache other{{.windows = 1, .parks_always = GetParam()}, 2};
    std::vector<std::unique_ptr<WindowCache::Place>> places;
    for (std::uint64_t i = 0; i < 5; ++i) {
        places.push_back(std::make_unique<WindowCache::Place>());
        WindowHeap& heap = cache.bind(*places.back());
        auto* note = static_cast<std::uint64_t*>(heap.allocate(2'000));
        note[0] = i;
        note[1] = reinterpret_cast<std::uint64_t>(note);
        heap.root = reinterpret_cast<ngtcp2_conn*>(note);
        cache.leave(*places.back());
    }
    WindowCache* from = &cache;
    WindowCache* to = &other;
    for (int round = 0; round < 4; ++round, std::swap(from, to)) {
        for (auto& place : places) {
            from->take_out(*place);
            EXPECT_FALSE(place->is_bound());
            EXPECT_LT(place->blob_bytes(), 300u);
            to->take_in(*place);
        }
        EXPECT_EQ(from->counts().parked, 0u);
        EXPECT_EQ(from->counts().blob_bytes, 0u);
        for (std::uint64_t i = 0; i < places.size(); ++i) {
            WindowHeap& heap = to->enter(*places[i]);
            auto* note = reinterpret_cast<std::uint64_t*>(heap.root);
            EXPECT_EQ(note[0], i);
            EXPECT_EQ(note[1], reinterpret_cast<std::uint64_t>(note));
            const ngtcp2_mem& memory = heap.memory();
            EXPECT_EQ(memory.user_data, &heap);
            memory.free(memory.malloc(100, memory.user_data), memory.user_data);
            to->leave(*places[i]);
        }
    }
    for (auto& place : places) from->release(*place);
    EXPECT_EQ(from->counts().parked, 0u);
}

// What was taken out may end there.
TEST_P(WindowCacheTest, OnesStateMayEndBetweenTwoCaches) {
    WindowCache::Place next;
    {
        WindowCache::Place place;
        cache.bind(place).allocate(100);
        cache.leave(place);
        cache.take_out(place);
    }
    EXPECT_EQ(cache.counts().parked, 0u);
    cache.bind(next);
    cache.release(next);
}

// What it held is not there for the next.
TEST_P(WindowCacheTest, ALargeOneLeavesNothing) {
    WindowCache::Place large, small;
    for (int i = 0; i < 4; ++i) {
        WindowHeap& heap = cache.bind(large);
        constexpr std::size_t kLarge = 3 << 20;
        std::memset(heap.allocate(kLarge), 0xAB, kLarge);
        cache.leave(large);
        cache.release(large);
        const auto* block = static_cast<const std::byte*>(cache.bind(small).allocate(kLarge));
        EXPECT_EQ(std::count(block, block + kLarge, std::byte{0}), std::ptrdiff_t{kLarge});
        cache.release(small);
    }
}

}  // namespace
}  // namespace starling::quic
