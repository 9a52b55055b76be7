#include "reactor/timer_wheel.h"

#include <algorithm>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace starling {
namespace {

constexpr TimeMs kTick = TimerWheel::kTickMs;
constexpr TimeMs kSpan = kTick * TimerWheel::kPlaces;
constexpr TimeMs kHour = 3'600'000;
constexpr std::size_t kNoBudget = ~std::size_t{0};

std::vector<std::uint64_t> fired(TimerWheel& wheel, TimeMs now, std::size_t budget = kNoBudget) {
    std::vector<std::uint64_t> tokens;
    wheel.expire(now, budget, [&](std::uint64_t token) { tokens.push_back(token); });
    return tokens;
}

using Tokens = std::vector<std::uint64_t>;

TEST(TimerWheel, FiresAtTheFirstTickNotBeforeTheDueTime) {
    TimerWheel wheel(1'000);
    wheel.arm(7, 1'025);
    EXPECT_EQ(wheel.next_due(1'000), 1'040u);
    EXPECT_EQ(fired(wheel, 1'039), Tokens{});
    EXPECT_EQ(fired(wheel, 1'040), Tokens{7});
    EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimerWheel, ATimeGoneByMeansTheNextExpire) {
    TimerWheel wheel(0);
    EXPECT_EQ(fired(wheel, 5'000), Tokens{});
    wheel.arm(1, 5'000);
    wheel.arm(2, 12);
    EXPECT_EQ(wheel.next_due(5'000), 5'000u);
    EXPECT_EQ(fired(wheel, 5'000), (Tokens{1, 2}));
}

TEST(TimerWheel, KnowsWhenItIsIdle) {
    TimerWheel wheel(1);
    EXPECT_EQ(wheel.next_due(1), kNever);
    wheel.arm(1, 100);
    EXPECT_EQ(fired(wheel, 200), Tokens{1});
    EXPECT_EQ(wheel.next_due(200), kNever);
}

TEST(TimerWheel, DoesNotWakeForTimersOfLaterTurns) {
    TimerWheel wheel(0);
    wheel.arm(1, 7 * kSpan + 5 * kTick);
    wheel.arm(2, 9 * kSpan + 2 * kTick);
    wheel.arm(3, 3 * kTick);
    EXPECT_EQ(fired(wheel, 3 * kTick), Tokens{3});
    EXPECT_EQ(wheel.next_due(3 * kTick), 7 * kSpan + 5 * kTick);
    EXPECT_EQ(fired(wheel, 7 * kSpan + 5 * kTick), Tokens{1});
    EXPECT_EQ(wheel.next_due(7 * kSpan + 5 * kTick), 9 * kSpan + 2 * kTick);
}

TEST(TimerWheel, OneCallCatchesUpWithAClockThatJumpedByHours) {
    TimerWheel wheel(0);
    constexpr std::uint64_t kTimers = 10'000;
    for (std::uint64_t token = 0; token < kTimers; ++token) wheel.arm(token, token * 720);
    wheel.arm(kTimers, 3 * kHour);

    Tokens tokens = fired(wheel, 2 * kHour);
    std::sort(tokens.begin(), tokens.end());
    ASSERT_EQ(tokens.size(), kTimers);
    for (std::uint64_t token = 0; token < kTimers; ++token) EXPECT_EQ(tokens[token], token);
    EXPECT_EQ(wheel.next_due(2 * kHour), 3 * kHour);
}

TEST(TimerWheel, WhatFireArmsWaitsForTheNextCall) {
    TimerWheel wheel(0);
    wheel.arm(1, 0);
    int count = 0;
    const auto again = [&](std::uint64_t token) {
        ++count;
        wheel.arm(token, 0);
    };
    EXPECT_EQ(wheel.expire(100, kNoBudget, again), 1u);
    EXPECT_EQ(wheel.expire(100, kNoBudget, again), 1u);
    EXPECT_EQ(count, 2);
    EXPECT_EQ(wheel.size(), 1u);
}

TEST(TimerWheel, ABudgetCutsOffButLosesNobody) {
    TimerWheel wheel(0);
    Tokens armed, tokens;
    for (std::uint64_t token = 0; token < 1'000; ++token) {
        wheel.arm(token, 40);
        armed.push_back(token);
    }
    wheel.arm(5'000, 40 + kSpan);  // in the same place, a turn later
    while (wheel.next_due(60) == 60) {
        const Tokens some = fired(wheel, 60, 64);
        EXPECT_LE(some.size(), 64u);
        tokens.insert(tokens.end(), some.begin(), some.end());
    }
    EXPECT_EQ(tokens, armed);
    EXPECT_EQ(wheel.size(), 1u);
    EXPECT_EQ(fired(wheel, 60 + kSpan), Tokens{5'000});
}

TEST(TimerWheel, ATimerThatIsAlwaysDueStarvesNobody) {
    TimerWheel wheel(0);
    constexpr std::uint64_t kGreedy = 4;  // as many as the budget
    for (std::uint64_t token = 0; token < kGreedy; ++token) wheel.arm(token, 0);
    for (std::uint64_t token = kGreedy; token < 100; ++token) wheel.arm(token, token * kTick);

    std::size_t patient = 0;
    for (int turn = 0; turn < 100; ++turn)
        wheel.expire(kHour, kGreedy, [&](std::uint64_t token) {
            if (token < kGreedy) wheel.arm(token, 0);
            else ++patient;
        });
    EXPECT_EQ(patient, 100 - kGreedy);
}

// Against a plain sorted map: same timers, never early, at most a tick late, exact next_due().
TEST(TimerWheel, AgreesWithAMap) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Random random(seed);
        TimeMs now = random.below(1'000'000);
        TimerWheel wheel(now);
        std::map<std::uint64_t, TimeMs> due;
        std::uint64_t next_token = 0;
        for (int step = 0; step < 2'000; ++step) {
            for (std::uint32_t i = random.below(4); i > 0; --i) {
                const TimeMs at = now + random.below(random.below(10) ? 5'000 : 10 * kSpan);
                due[next_token] = at;
                wheel.arm(next_token++, at);
            }
            now += random.below(random.below(50) ? 100 : 3 * kSpan);
            wheel.expire(now, kNoBudget, [&](std::uint64_t token) {
                ASSERT_TRUE(due.contains(token)) << seed;
                ASSERT_LE(due[token], now) << seed;
                due.erase(token);
            });
            TimeMs earliest = kNever;
            for (const auto& [token, at] : due) {
                ASSERT_GT(at + kTick, now) << seed;
                earliest = std::min(earliest, std::max(now, (at + kTick - 1) / kTick * kTick));
            }
            ASSERT_EQ(wheel.size(), due.size());
            ASSERT_EQ(wheel.next_due(now), earliest) << seed;
        }
    }
}

}  // namespace
}  // namespace starling
