#include "base/block_cache.h"

#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/heap.h"

namespace starling {
namespace {

TEST(BlockCache, GivesBlocksOfAtLeastTheSizeAskedFor) {
    for (std::size_t size = 0; size <= 600; ++size) {
        void* const first = BlockCache::take(size);
        std::memset(first, 0xAB, size);
        void* const second = BlockCache::take(size);
        EXPECT_NE(first, second);
        std::memset(second, 0xCD, size);
        BlockCache::give_back(first, size);
        BlockCache::give_back(second, size);
    }
}

TEST(BlockCache, AsksTheHeapNoMoreOnceItIsWarm) {
    if (!BlockCache::keeps()) GTEST_SKIP() << "a sanitizer sees every block";
    BlockCache::give_back(BlockCache::take(200), 200);
    const std::uint64_t before = heap_blocks_of_thread();
    for (int i = 0; i < 100; ++i) BlockCache::give_back(BlockCache::take(193), 193);
    EXPECT_EQ(heap_blocks_of_thread(), before);
}

TEST(BlockCache, KeepsABoundedNumberOfBlocks) {
    const std::uint64_t before = heap_bytes_in_use();
    {
        std::vector<void*> blocks;
        for (int i = 0; i < 10'000; ++i) blocks.push_back(BlockCache::take(500));
        for (void* block : blocks) BlockCache::give_back(block, 500);
    }
    EXPECT_LT(heap_bytes_in_use(), before + BlockCache::kKept * 600);
}

TEST(BlockCache, TakesBlocksOfOtherThreads) {
    std::vector<void*> blocks;
    std::thread([&] {
        for (int i = 0; i < 100; ++i) blocks.push_back(BlockCache::take(100));
    }).join();
    for (void* block : blocks) BlockCache::give_back(block, 100);
}

}  // namespace
}  // namespace starling
