#include "transport/quic/window_cache.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/heap.h"
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

// Connections with as much in use as is said of each. Owner: the test.
class LargeTest : public testing::Test {
protected:
    static constexpr std::size_t kLarge = limits::kQuicLargeBytes + 1, kSmall = 100;

    using Guest = WindowCache::Place;

    void make(std::uint32_t windows, std::uint32_t pinned) {
        cache = std::make_unique<WindowCache>(
            WindowCache::Options{.windows = windows, .pinned = pinned}, 1);
    }
    ~LargeTest() override {
        for (auto& guest : guests) cache->release(*guest);
    }

    // Its note names itself and its window; its block is filled with its number.
    Guest& add(std::size_t bytes) {
        Guest& guest = *guests.emplace_back(std::make_unique<Guest>());
        WindowHeap& heap = cache->bind(guest);
        auto* note = static_cast<std::uint64_t*>(heap.allocate(64));
        note[0] = guests.size();
        heap.root = reinterpret_cast<ngtcp2_conn*>(note);
        cache->leave(guest);
        grow(guest, bytes);
        return guest;
    }
    void grow(Guest& guest, std::size_t bytes) {
        WindowHeap& heap = cache->enter(guest);
        auto* note = reinterpret_cast<std::uint64_t*>(heap.root);
        auto* block = static_cast<std::byte*>(heap.allocate(bytes));
        std::memset(block, static_cast<int>(note[0]), bytes);
        note[1] = reinterpret_cast<std::uint64_t>(block);
        note[2] = bytes;
        cache->leave(guest);
    }
    void give_up(Guest& guest) {
        WindowHeap& heap = cache->enter(guest);
        auto* note = reinterpret_cast<std::uint64_t*>(heap.root);
        heap.release(reinterpret_cast<void*>(note[1]));
        note[2] = 0;
        cache->leave(guest);
    }

    void expect_whole(std::size_t number) {
        Guest& guest = *guests[number];
        auto* note = reinterpret_cast<std::uint64_t*>(cache->enter(guest).root);
        EXPECT_EQ(note[0], number + 1);
        const auto* block = reinterpret_cast<const std::byte*>(note[1]);
        const auto size = static_cast<std::ptrdiff_t>(note[2]);
        EXPECT_EQ(std::count(block, block + size, static_cast<std::byte>(number + 1)), size);
        cache->leave(guest);
    }
    void expect_all_whole(int rounds = 3) {
        for (int round = 0; round < rounds; ++round)
            for (std::size_t number = 0; number < guests.size(); ++number) expect_whole(number);
    }

    const WindowCache::Counts& counts() const { return cache->counts(); }

    std::unique_ptr<WindowCache> cache;
    std::vector<std::unique_ptr<Guest>> guests;
};

TEST_F(LargeTest, StayInTheirWindowsUpToALimit) {
    struct Case {
        std::uint32_t windows, pinned, large, then_pinned;
    };
    static constexpr Case cases[] = {
        {8, 128, 3, 3}, {8, 2, 3, 2}, {8, 128, 6, 4}, {8, 0, 3, 0}, {1, 128, 3, 0}};
    for (const Case& c : cases) {
        guests.clear();
        make(c.windows, c.pinned);
        for (std::uint32_t i = 0; i < c.large; ++i) add(kLarge);
        for (int i = 0; i < 30; ++i) add(kSmall);
        expect_all_whole();
        EXPECT_EQ(counts().large, c.large);
        EXPECT_EQ(counts().pinned, c.then_pinned);
        std::uint32_t resident = 0;
        for (std::uint32_t i = 0; i < c.large; ++i) resident += !guests[i]->is_parked();
        EXPECT_GE(resident, c.then_pinned);
        for (auto& guest : guests) cache->release(*guest);
        EXPECT_EQ(counts().large, 0u);
        EXPECT_EQ(counts().pinned, 0u);
        EXPECT_EQ(counts().parked, 0u);
    }
    guests.clear();
}

// Whoever waits in its window goes elsewhere, and finds there what it left.
TEST_F(LargeTest, ArePinnedWhileTheyAreLarge) {
    make(2, 1);
    for (int i = 0; i < 12; ++i) add(kSmall);
    grow(*guests[0], kLarge);
    EXPECT_EQ(counts().pinned, 1u);
    EXPECT_GE(cache->large_bytes(*guests[0]), kLarge);
    EXPECT_EQ(cache->large_bytes(*guests[1]), 0u);
    expect_all_whole();
    EXPECT_FALSE(guests[0]->is_parked());

    grow(*guests[1], kLarge);
    EXPECT_EQ(counts().large, 2u);
    EXPECT_EQ(counts().pinned, 1u);
    expect_all_whole();
    EXPECT_TRUE(guests[1]->is_parked());
    EXPECT_GT(cache->large_bytes(*guests[1]), 0u) << "its blob";

    give_up(*guests[0]);
    EXPECT_EQ(counts().pinned, 0u);
    expect_whole(1);
    EXPECT_EQ(counts().pinned, 1u) << "the next takes its place";
    cache->take_out(*guests[1]);
    EXPECT_EQ(counts().large, 0u);
    EXPECT_EQ(counts().pinned, 0u);
    cache->take_in(*guests[1]);
    expect_all_whole();
    EXPECT_EQ(counts().large, 1u);
}

TEST_F(LargeTest, WhatWindowsTakeIsCountedUntilItIsGivenBack) {
    const std::uint64_t before = memory_bytes_in_use();
    make(4, 128);
    EXPECT_EQ(counts().window_bytes, 0u);
    for (int i = 0; i < 12; ++i) add(kSmall);
    const std::uint64_t small = counts().window_bytes;
    EXPECT_GE(small, 4 * sizeof(WindowHeap));
    EXPECT_LT(small, 4u * 16'384);
    add(3 << 20);
    EXPECT_GT(counts().window_bytes, 3u << 20);
    EXPECT_GE(memory_bytes_in_use(), before + counts().window_bytes);

    for (int round = 0; round < 2; ++round) cache->give_back(4);
    EXPECT_GT(counts().window_bytes, 3u << 20) << "it is pinned";
    EXPECT_LT(counts().window_bytes, 4u << 20) << "the small ones are parked";
    EXPECT_EQ(counts().parked, 12u);
    expect_all_whole();

    give_up(*guests.back());
    for (int round = 0; round < 3; ++round) cache->give_back(4);
    EXPECT_EQ(counts().window_bytes, 0u);
    EXPECT_EQ(counts().parked, 13u);
    expect_all_whole();
    EXPECT_GT(counts().window_bytes, 3u << 20) << "the heap stays as long as it was";

    for (auto& guest : guests) cache->release(*guest);
    guests.clear();
    EXPECT_LE(counts().window_bytes, 4u * (512 << 10));
    cache.reset();
    EXPECT_LT(memory_bytes_in_use(), before + 100'000);
}

TEST_F(LargeTest, WhoIsBusyIsNotParkedToSaveMemory) {
    make(4, 128);
    add(kSmall);
    add(kSmall);
    for (int turn = 0; turn < 16; ++turn) {
        expect_whole(0);
        cache->give_back(1);
    }
    EXPECT_FALSE(guests[0]->is_parked());
    EXPECT_TRUE(guests[1]->is_parked());
    expect_all_whole();
}

}  // namespace
}  // namespace starling::quic
