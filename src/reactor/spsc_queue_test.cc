#include "reactor/spsc_queue.h"

#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(SpscQueue, KeepsTheOrderAcrossBlocks) {
    SpscQueue<int, 4> queue;
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < round; ++i) queue.push(i);
        int item = -1;
        for (int i = 0; i < round; ++i) {
            ASSERT_TRUE(queue.pop(item));
            EXPECT_EQ(item, i);
        }
        EXPECT_TRUE(queue.empty());
        EXPECT_FALSE(queue.pop(item));
    }
}

TEST(SpscQueue, DestroysWhatNobodyTook) {
    const auto count = std::make_shared<int>();
    {
        SpscQueue<std::shared_ptr<int>, 4> queue;
        for (int i = 0; i < 9; ++i) queue.push(count);
        std::shared_ptr<int> item;
        EXPECT_TRUE(queue.pop(item));
        EXPECT_EQ(count.use_count(), 10);
    }
    EXPECT_EQ(count.use_count(), 1);
}

TEST(SpscQueue, TwoThreadsPassEverythingInOrder) {
    constexpr int kItems = 50'000;
    SpscQueue<std::unique_ptr<int>, 8> queue;
    std::thread sender([&] {
        for (int i = 0; i < kItems; ++i) queue.push(std::make_unique<int>(i));
    });
    std::unique_ptr<int> item;
    for (int i = 0; i < kItems; ++i) {
        while (!queue.pop(item)) std::this_thread::yield();
        ASSERT_EQ(*item, i);
    }
    sender.join();
    EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace starling
