#include "load/outcome.h"

#include <gtest/gtest.h>

#include "load/outcome_testing.h"

namespace starling {
namespace {

TEST(RunOutcome, CountsWhatIsTheEndOfAMessage) {
    RunOutcome outcome;
    outcome.tally[Figure::SentCounted] = 1;
    outcome.tally[Figure::AnsweredCounted] = 2;
    outcome.tally[Figure::ReceivedCounted] = 3;
    LoadScenario scenario;
    scenario.groups = publishing_groups({.publishers = 1, .publish = {}});
    EXPECT_EQ(counted_messages(scenario, outcome), 1u);
    scenario.groups = publishing_groups({.publishers = 1, .publish = {.qos = Qos::AtLeastOnce}});
    EXPECT_EQ(counted_messages(scenario, outcome), 2u);
    EXPECT_EQ(counted_messages(pairs_scenario(), outcome), 3u);
}

TEST(RunOutcome, StatusTellsABrokenPromise) {
    struct Case {
        Figure figure;
        int status;
    };
    static constexpr Case cases[] = {
        {Figure::Received, 0},        {Figure::Lost, 0},
        {Figure::Duplicated, 0},      {Figure::Unsent, 0},
        {Figure::LostPromised, 3},    {Figure::DuplicatedPromised, 3},
        {Figure::Unanswered, 3},      {Figure::FailedConnects, 1},
        {Figure::LostConnections, 1}, {Figure::RefusedSubscriptions, 1},
        {Figure::RefusedMessages, 1},
    };
    for (const Case& c : cases) {
        RunOutcome outcome;
        outcome.tally[c.figure] = 1;
        EXPECT_EQ(exit_status(outcome), c.status) << static_cast<int>(c.figure);
    }
}

}  // namespace
}  // namespace starling
