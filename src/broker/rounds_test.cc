#include "broker/rounds.h"

#include <vector>

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Rounds, AreNumberedAndOneAtATime) {
    Rounds<int> rounds;
    EXPECT_FALSE(rounds.can_begin());
    EXPECT_EQ(rounds.last(), rounds.confirmed()) << "nothing to wait for";

    rounds.add(1);
    rounds.add(2);
    EXPECT_TRUE(rounds.can_begin());
    EXPECT_EQ(rounds.backlog(), 2u);
    const std::uint64_t first = rounds.last();
    EXPECT_GT(first, rounds.confirmed());

    EXPECT_EQ(rounds.begin(), (std::vector<int>{1, 2}));
    rounds.expect(2);
    EXPECT_EQ(rounds.last(), first);
    EXPECT_GT(first, rounds.confirmed());
    EXPECT_EQ(rounds.backlog(), 0u);

    rounds.add(3);  // while that is on its way
    const std::uint64_t second = rounds.last();
    EXPECT_EQ(second, first + 1);
    EXPECT_FALSE(rounds.can_begin());

    EXPECT_FALSE(rounds.confirm());
    EXPECT_FALSE(rounds.can_begin());
    EXPECT_GT(first, rounds.confirmed()) << "one of two";
    EXPECT_TRUE(rounds.confirm());
    EXPECT_EQ(rounds.confirmed(), first);
    EXPECT_EQ(rounds.last(), second);

    EXPECT_TRUE(rounds.can_begin());
    EXPECT_EQ(rounds.begin(), (std::vector<int>{3}));
    rounds.expect(1);
    EXPECT_EQ(rounds.confirmed(), first);
    EXPECT_TRUE(rounds.confirm());
    EXPECT_EQ(rounds.confirmed(), second);
    EXPECT_FALSE(rounds.can_begin());
}

// A round may go to nobody.
TEST(Rounds, EndAtOnceWithoutListeners) {
    Rounds<int> rounds;
    rounds.add(1);
    rounds.begin();
    rounds.expect(0);
    EXPECT_EQ(rounds.confirmed(), rounds.last());
}

}  // namespace
}  // namespace starling
