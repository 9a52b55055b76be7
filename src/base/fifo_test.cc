#include "base/fifo.h"

#include <deque>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "base/random.h"

namespace starling {
namespace {

static_assert(sizeof(Fifo<std::string>) == 16);

TEST(Fifo, BehavesLikeADeque) {
    Fifo<std::string> fifo;
    std::deque<std::string> model;
    Random random(1);
    for (int step = 0; step < 20'000; ++step) {
        const bool growing = step / 1'000 % 2 == 0;
        if (model.empty() || random.below(10) < (growing ? 7u : 3u)) {
            fifo.push(std::to_string(step));
            model.push_back(std::to_string(step));
        } else if (random.below(4) == 0) {
            const std::uint32_t position = random.below(fifo.size());
            EXPECT_EQ(fifo.remove(position), model[position]);
            model.erase(model.begin() + position);
        } else {
            EXPECT_EQ(fifo.pop(), model.front());
            model.pop_front();
        }
        ASSERT_EQ(fifo.size(), model.size());
        ASSERT_EQ(fifo.empty(), model.empty());
        if (model.empty()) continue;
        const std::uint32_t position = random.below(fifo.size());
        ASSERT_EQ(fifo[position], model[position]);
        ASSERT_EQ(fifo.front(), model.front());
        ASSERT_EQ(fifo.back(), model.back());
    }
}

TEST(Fifo, MovesWithItsContent) {
    Fifo<std::unique_ptr<int>> first;
    for (int i = 0; i < 3; ++i) first.push(std::make_unique<int>(i));
    Fifo<std::unique_ptr<int>> second = std::move(first);
    EXPECT_TRUE(first.empty());
    EXPECT_EQ(second.size(), 3u);
    first = std::move(second);
    EXPECT_EQ(*first.pop(), 0);
    first.push(std::make_unique<int>(3));
    EXPECT_EQ(*first.back(), 3);
    first.clear();
    EXPECT_TRUE(first.empty());
}

struct alignas(16) Wide {
    int value = 0;
};

TEST(Fifo, KeepsTheAlignmentOfItsType) {
    Fifo<Wide> fifo;
    for (int i = 0; i < 5; ++i) fifo.push(Wide{i});
    for (std::uint32_t i = 0; i < 5; ++i) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&fifo[i]) % alignof(Wide), 0u);
        EXPECT_EQ(fifo[i].value, int(i));
    }
}

}  // namespace
}  // namespace starling
