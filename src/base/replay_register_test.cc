#include "base/replay_register.h"

#include <array>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace starling {
namespace {

using Verdict = ReplayRegister::Verdict;

constexpr std::uint32_t kLifetimeS = 100;
constexpr HashKey kKey{1, 2};

std::string name(std::uint64_t number) { return "ticket " + std::to_string(number); }

TEST(ReplayRegister, KnowsWhatItHasSeenForATime) {
    ReplayRegister seen(64, kLifetimeS, kKey);
    EXPECT_EQ(seen.record(name(1), 0), Verdict::New);
    EXPECT_EQ(seen.record(name(1), 0), Verdict::Seen);
    EXPECT_EQ(seen.record(name(2), 50), Verdict::New);
    EXPECT_EQ(seen.record(name(1), 99), Verdict::Seen);
    EXPECT_EQ(seen.record(name(1), 100), Verdict::New) << "forgotten, and remembered anew";
    EXPECT_EQ(seen.record(name(2), 149), Verdict::Seen);
    EXPECT_EQ(seen.record(name(1), 199), Verdict::Seen);
}

TEST(ReplayRegister, IsFullWhereNothingIsForgottenYet) {
    ReplayRegister seen(8, kLifetimeS, kKey);
    ASSERT_EQ(seen.entries(), 8u);
    for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(seen.record(name(i), 10), Verdict::New) << i;
    EXPECT_EQ(seen.record(name(8), 109), Verdict::Full);
    EXPECT_EQ(seen.record(name(3), 109), Verdict::Seen) << "what it knows it knows";
    EXPECT_EQ(seen.record(name(8), 110), Verdict::New);
    EXPECT_EQ(seen.record(name(8), 110), Verdict::Seen);
}

TEST(ReplayRegister, HasWholeLines) {
    EXPECT_EQ(ReplayRegister(0, 1, kKey).entries(), 8u);
    EXPECT_EQ(ReplayRegister(9, 1, kKey).entries(), 16u);
}

TEST(ReplayRegister, TakesMostOfItsNumberBeforeAPlaceIsFull) {
    ReplayRegister seen(65'536, kLifetimeS, kKey);
    std::uint64_t taken = 0;
    while (seen.record(name(taken), 1) == Verdict::New) ++taken;
    EXPECT_GT(taken, seen.entries() / 10);
    for (std::uint64_t i = 0; i < taken; ++i)
        ASSERT_EQ(seen.record(name(i), 1), Verdict::Seen) << "none is lost";
}

// The same hashes from all threads at once, whose clocks differ: none may be let in twice, also
// where old entries are forgotten at that very moment.
TEST(ReplayRegister, LetsNothingInTwiceWhateverHappensAtOnce) {
    constexpr std::uint64_t kHashes = 20'000;
    constexpr unsigned kThreads = 4;
    ReplayRegister seen(8 * 1024, kLifetimeS, kKey);
    for (std::uint64_t i = 0; i < 8 * 1024; ++i) seen.record(name(1'000'000 + i), i % 8);
    std::array<std::vector<bool>, kThreads> let_in;
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < kThreads; ++thread)
        threads.emplace_back([&, thread] {
            let_in[thread].resize(kHashes);
            for (std::uint64_t i = 0; i < kHashes; ++i) {
                const auto now_s = static_cast<std::uint32_t>(100 + i * 8 / kHashes + thread % 2);
                let_in[thread][i] = seen.record(name(i), now_s) == Verdict::New;
            }
        });
    for (std::thread& thread : threads) thread.join();
    std::uint64_t let_in_at_all = 0;
    for (std::uint64_t i = 0; i < kHashes; ++i) {
        unsigned times = 0;
        for (unsigned thread = 0; thread < kThreads; ++thread) times += let_in[thread][i];
        EXPECT_LE(times, 1u) << i;
        let_in_at_all += times;
    }
    EXPECT_GT(let_in_at_all, 0u);
}

}  // namespace
}  // namespace starling
