#include "broker/commits.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Commits, AreNumberedFromOneAndHoldWhatCameBefore) {
    Commits commits;
    EXPECT_FALSE(commits.can_begin());
    EXPECT_EQ(commits.last(), 0u);
    EXPECT_TRUE(commits.has_ended(commits.last()));
    commits.add();
    EXPECT_EQ(commits.last(), 1u) << "the next";
    EXPECT_EQ(commits.begin(0), 1u);
    EXPECT_EQ(commits.last(), 1u) << "the one under way";
    EXPECT_FALSE(commits.can_begin());
    commits.add();
    EXPECT_EQ(commits.begin(0), 2u) << "beside the first";
}

TEST(Commits, EndInOrder) {
    Commits commits;
    for (int turn = 0; turn < 3; ++turn) {
        for (int change = 0; change <= turn; ++change) commits.add();
        commits.begin(0);
    }
    EXPECT_EQ(commits.backlog(), 6u);
    commits.end(1);
    EXPECT_TRUE(commits.has_ended(1));
    EXPECT_FALSE(commits.has_ended(2));
    EXPECT_EQ(commits.backlog(), 5u);
    commits.end(3);
    EXPECT_TRUE(commits.has_ended(2)) << "with a later one";
    EXPECT_EQ(commits.backlog(), 0u);
    commits.add();
    EXPECT_EQ(commits.backlog(), 1u) << "also before its commit begins";
}

}  // namespace
}  // namespace starling
