#include "base/heap.h"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Heap, CountsWhatIsInUse) {
    const std::uint64_t before = heap_bytes_in_use();
    auto block = std::make_unique<char[]>(1 << 20);
    const std::uint64_t with_block = heap_bytes_in_use();
    EXPECT_GE(with_block, before + (1 << 20));
    EXPECT_LT(with_block, before + (1 << 20) + 10'000);
    block.reset();
    EXPECT_LT(heap_bytes_in_use(), before + 10'000);
}

TEST(Heap, CountsWhatAnotherThreadFrees) {
    const std::uint64_t before = heap_bytes_in_use();
    for (int round = 0; round < 300; ++round) {  // more threads than there are lines
        auto block = std::make_unique<char[]>(100'000);
        std::thread([taken = std::move(block)]() mutable { taken.reset(); }).join();
    }
    EXPECT_LT(heap_bytes_in_use(), before + 100'000);
}

TEST(Heap, CountsPagesApart) {
    const std::uint64_t heap = heap_bytes_in_use(), all = memory_bytes_in_use();
    count_pages(1 << 20);
    EXPECT_EQ(memory_bytes_in_use(), all + (1 << 20));
    EXPECT_EQ(heap_bytes_in_use(), heap);
    std::thread([] { count_pages(-(1 << 20)); }).join();
    EXPECT_LT(memory_bytes_in_use(), all + 10'000);
}

TEST(Heap, CountsAlignedBlocks) {
    struct alignas(128) Wide {
        char bytes[1 << 16];
    };
    const std::uint64_t before = heap_bytes_in_use();
    auto wide = std::make_unique<Wide>();
    EXPECT_GE(heap_bytes_in_use(), before + sizeof(Wide));
    wide.reset();
    EXPECT_LT(heap_bytes_in_use(), before + 10'000);
}

}  // namespace
}  // namespace starling
