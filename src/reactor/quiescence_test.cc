#include "reactor/quiescence.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "reactor/mailboxes.h"

namespace starling {
namespace {

TEST(Quiescence, NeedsTwoEqualLooks) {
    Quiescence quiescence(2);
    Quiescence::Look last;
    quiescence.report(0, 3, 1, true);
    quiescence.report(1, 1, 3, true);
    EXPECT_FALSE(quiescence.has_come(last)) << "one look may have been passed by";
    EXPECT_TRUE(quiescence.has_come(last));

    quiescence.report(0, 4, 1, true);
    quiescence.report(1, 1, 4, true);
    EXPECT_FALSE(quiescence.has_come(last)) << "something was said since";
    EXPECT_TRUE(quiescence.has_come(last));
}

TEST(Quiescence, WaitsForMailUnderWay) {
    Quiescence quiescence(2);
    Quiescence::Look last;
    quiescence.report(0, 1, 0, true);
    quiescence.report(1, 0, 0, true);
    for (int look = 0; look < 3; ++look) EXPECT_FALSE(quiescence.has_come(last));
    quiescence.report(1, 0, 1, true);
    EXPECT_FALSE(quiescence.has_come(last));
    EXPECT_TRUE(quiescence.has_come(last));
}

TEST(Quiescence, WaitsForWhoHasSomethingLeftToDo) {
    Quiescence quiescence(2);
    Quiescence::Look last;
    quiescence.report(0, 0, 0, true);
    for (int look = 0; look < 3; ++look) EXPECT_FALSE(quiescence.has_come(last)) << "no report";
    quiescence.report(1, 0, 0, false);
    for (int look = 0; look < 3; ++look) EXPECT_FALSE(quiescence.has_come(last));
    quiescence.report(1, 0, 0, true);
    EXPECT_FALSE(quiescence.has_come(last));
    EXPECT_TRUE(quiescence.has_come(last));
}

// Core 0 has sent two letters to core 2 and has yet to say so; two of core 1 to core 0 are under
// way. The sums agree all the same, once.
TEST(Quiescence, SumsThatAgreeByChanceDoNotCount) {
    Quiescence quiescence(3);
    Quiescence::Look last;
    quiescence.report(0, 0, 0, true);
    quiescence.report(1, 2, 0, true);
    quiescence.report(2, 0, 2, true);
    EXPECT_FALSE(quiescence.has_come(last));
    quiescence.report(0, 2, 1, true);
    EXPECT_FALSE(quiescence.has_come(last));
    quiescence.report(0, 2, 2, true);
    EXPECT_FALSE(quiescence.has_come(last));
    EXPECT_TRUE(quiescence.has_come(last));
}

TEST(StopFlag, StaysUp) {
    StopFlag flag;
    EXPECT_FALSE(flag.is_up());
    flag.raise();
    flag.raise();
    EXPECT_TRUE(flag.is_up());
}

// A letter says how often it is to be passed on: nobody finds quiet before all have stopped.
TEST(Quiescence, ThreadsFindItOnlyWhenNoLetterIsLeft) {
    constexpr CoreId kCores = 3;
    constexpr int kLetters = 20;
    constexpr int kHops = 300;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        MailLanes<int> lanes(kCores);
        Quiescence quiescence(kCores);
        StopFlag found;
        std::atomic<int> ended{0};
        std::atomic<bool> is_early{false};
        std::vector<std::thread> threads;
        for (CoreId self = 0; self < kCores; ++self)
            threads.emplace_back([&, self] {
                Random random(seed * kCores + self);
                Mailbox<int> mailbox(lanes, self, 1);
                Quiescence::Look last;
                const auto pass_on = [&](int hops) {
                    if (hops == 0) return void(++ended);
                    mailbox.send(
                        static_cast<CoreId>((self + 1 + random.below(kCores - 1)) % kCores),
                        hops - 1);
                };
                for (int i = 0; i < kLetters; ++i) pass_on(kHops);
                while (!found.is_up()) {
                    mailbox.drain([&](CoreId, int& hops) { pass_on(hops); });
                    quiescence.report(self, mailbox.sent(), mailbox.received(), true);
                    if (quiescence.has_come(last)) {
                        if (ended != kCores * kLetters) is_early = true;
                        found.raise();
                    }
                    std::this_thread::yield();
                }
            });
        for (std::thread& one : threads) one.join();
        EXPECT_FALSE(is_early) << "seed " << seed;
        EXPECT_EQ(ended, kCores * kLetters) << "seed " << seed;
    }
}

}  // namespace
}  // namespace starling
