#include "load/schedule.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

TEST(OpenSchedule, GoesRoundTheFlowsAtEvenDistances) {
    OpenSchedule schedule(1'000, 3, {0, 1, 2}, 5 * kMs);
    const std::uint32_t flows[] = {0, 1, 2, 0, 1};
    for (std::uint64_t number = 0; number < 5; ++number) {
        EXPECT_EQ(schedule.next_due_ns(), (5 + number) * kMs);
        EXPECT_EQ(schedule.next(), flows[number]);
    }
}

// What was late once does not move what comes after: a due time is known by its number alone.
TEST(OpenSchedule, DoesNotWaitForWhoIsSlow) {
    const OpenSchedule schedule(1'000, 2, {0, 1}, 0);
    EXPECT_EQ(schedule.due_ns(0, 0), 0u);
    EXPECT_EQ(schedule.due_ns(1, 0), 1 * kMs);
    EXPECT_EQ(schedule.due_ns(0, 500), 1'000 * kMs);
    EXPECT_EQ(schedule.due_ns(1, 500), 1'001 * kMs);
}

TEST(OpenSchedule, ProcessesKeepOneRhythmTogether) {
    OpenSchedule even(100, 4, {0, 2}, 0), odd(100, 4, {1, 3}, 0), all(100, 4, {0, 1, 2, 3}, 0);
    for (int number = 0; number < 20; ++number) {
        OpenSchedule& mine = number % 2 == 0 ? even : odd;
        EXPECT_EQ(mine.next_due_ns(), all.next_due_ns());
        EXPECT_EQ(mine.next(), all.next());
    }
}

TEST(OpenSchedule, KeepsARateThatDoesNotDivideASecond) {
    const OpenSchedule schedule(3, 1, {0}, 0);
    EXPECT_EQ(schedule.due_ns(0, 3), 1'000 * kMs);
    EXPECT_EQ(schedule.due_ns(0, 3'000'000), 1'000'000'000 * kMs);
}

TEST(ClosedWindow, IsOpenWhileSoManyAreNotOnTheirWay) {
    ClosedWindow window(2, 1);
    window.on_sent();
    EXPECT_TRUE(window.is_open());
    window.on_sent();
    EXPECT_FALSE(window.is_open());
    window.on_ended(1);
    EXPECT_TRUE(window.is_open());
}

TEST(ClosedWindow, AMessageHasAsManyEndsAsReceivers) {
    ClosedWindow window(1, 3);
    window.on_sent();
    window.on_ended(2);
    EXPECT_FALSE(window.is_open());
    window.on_ended(1);
    EXPECT_TRUE(window.is_open());
}

TEST(ClosedWindow, WithoutReceiversItIsAlwaysOpen) {
    ClosedWindow window(1, 0);
    window.on_sent();
    EXPECT_TRUE(window.is_open());
}

TEST(ClosedWindow, MoreEndsThanThereAreOpenNoMoreThanAll) {
    ClosedWindow window(1, 1);
    window.on_sent();
    window.on_ended(5);
    window.on_sent();
    EXPECT_FALSE(window.is_open());
    EXPECT_EQ(window.give_up(), 1u);
    EXPECT_TRUE(window.is_open());
}

}  // namespace
}  // namespace starling
