#include "client/backoff.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Backoff, DoublesUpToItsMaximumAndTakesAtMostHalfOff) {
    Random random(7);
    Backoff backoff;
    const ReconnectOptions options{.wait_ms_min = 1'000, .wait_ms_max = 60'000};
    for (const TimeMs whole : {1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000}) {
        const auto wait = backoff.next(options, random);
        ASSERT_TRUE(wait);
        EXPECT_LE(*wait, whole);
        EXPECT_GE(*wait, whole / 2);
    }
    backoff.reset();
    EXPECT_LE(*backoff.next(options, random), 1'000u);
}

TEST(Backoff, StaysAtItsMaximumForEver) {
    Random random(7);
    Backoff backoff;
    for (int i = 0; i < 100; ++i) EXPECT_LE(*backoff.next({}, random), 60'000u);
}

TEST(Backoff, EndsWithTheLastAttempt) {
    Random random(7);
    Backoff backoff;
    EXPECT_TRUE(backoff.next({.attempts_max = 2}, random));
    EXPECT_FALSE(backoff.next({.attempts_max = 2}, random));
    EXPECT_FALSE(Backoff{}.next({.is_enabled = false}, random));
}

TEST(Backoff, LeavesAloneWhatWaitingDoesNotCure) {
    EXPECT_TRUE(is_worth_retrying({.ending = Ending::Lost}));
    EXPECT_TRUE(is_worth_retrying({.ending = Ending::Refused, .reason = Reason::ServerBusy}));
    EXPECT_TRUE(
        is_worth_retrying({.ending = Ending::Disconnected, .reason = Reason::ServerShuttingDown}));
    EXPECT_FALSE(
        is_worth_retrying({.ending = Ending::Disconnected, .reason = Reason::SessionTakenOver}));
    EXPECT_FALSE(is_worth_retrying({.ending = Ending::Refused, .reason = Reason::NotAuthorized}));
    EXPECT_FALSE(is_worth_retrying({.ending = Ending::Requested}));
    EXPECT_FALSE(is_worth_retrying({.ending = Ending::TooFewStreams}));
}

}  // namespace
}  // namespace starling
