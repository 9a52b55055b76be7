#include "base/quota.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Quota, GivesNoMoreThanItsLimit) {
    Quota quota(3);
    EXPECT_TRUE(quota.try_take(2));
    EXPECT_FALSE(quota.try_take(2));
    EXPECT_EQ(quota.used(), 2u) << "a refusal takes nothing";
    EXPECT_TRUE(quota.try_take());
    EXPECT_FALSE(quota.try_take());
    quota.give_back();
    EXPECT_TRUE(quota.try_take());
    EXPECT_FALSE(quota.try_take(~std::uint64_t{0})) << "no sum that wraps";
    EXPECT_FALSE(Quota(0).try_take());
}

TEST(Quota, TakesBeyondItsLimitWhenItMust) {
    Quota quota(1);
    quota.take();
    EXPECT_FALSE(quota.is_exceeded());
    quota.take();
    EXPECT_TRUE(quota.is_exceeded());
    EXPECT_FALSE(quota.try_take(0));
    quota.give_back();
    EXPECT_FALSE(quota.is_exceeded());
}

TEST(Quota, RemembersTheMostThatWasInUse) {
    Quota quota(10);
    EXPECT_TRUE(quota.try_take(4));
    quota.give_back(3);
    quota.take(2);
    EXPECT_EQ(quota.most(), 4u);
    quota.take(2);
    EXPECT_EQ(quota.most(), 5u);
}

TEST(Quota, ThreadsNeverExceedIt) {
    constexpr std::uint64_t kLimit = 3;
    Quota quota(kLimit);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 20'000; ++round)
                if (quota.try_take()) quota.give_back();
        });
    for (std::thread& one : threads) one.join();
    EXPECT_EQ(quota.used(), 0u);
    EXPECT_LE(quota.most(), kLimit);
    EXPECT_GE(quota.most(), 1u);
}

}  // namespace
}  // namespace starling
