// Every seeded bug of base/sabotage.h must be found by the model test, within so many seeds.
// STARLING_SABOTAGED in the environment names one bug to try alone.
#include "base/sabotage.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/driver.h"

namespace starling {
namespace {

constexpr std::uint64_t kSeeds = 500;
constexpr unsigned kStepsOverQuic = 150;  // each takes longer

struct Bug {
    Sabotage sabotage;
    const char* name;
    const char* text;
};

#define STARLING_BUG(name, text) {Sabotage::name, #name, text},
constexpr Bug kBugs[] = {STARLING_SABOTAGES_OF_ONE_CORE(STARLING_BUG)
                             STARLING_SABOTAGES_OF_SEVERAL_CORES(STARLING_BUG)};
constexpr Bug kBugsOfKeeping[] = {STARLING_SABOTAGES_OF_KEEPING(STARLING_BUG)};
constexpr Bug kBugsOfQuic[] = {STARLING_SABOTAGES_OF_QUIC(STARLING_BUG)};
#undef STARLING_BUG

// Too rarely found on threads to be demanded: another order of things must be met by chance.
constexpr Sabotage kRareOnThreads[] = {Sabotage::SkipMembersWait, Sabotage::ConfirmMembersEarly,
                                       Sabotage::TakeAnswerAtOnce, Sabotage::ForgetLiveTopics};

bool is_rare_on_threads(const Bug& bug) {
    return std::find(std::begin(kRareOnThreads), std::end(kRareOnThreads), bug.sabotage) !=
           std::end(kRareOnThreads);
}

bool is_wanted(const Bug& bug) {
    const char* only = std::getenv("STARLING_SABOTAGED");
    return !only || std::string(only) == bug.name;
}

// The first seed that finds it is to come soon; says what it was that gave the bug away.
void find(const Bug& bug, SimOptions options) {
    active_sabotage = bug.sabotage;
    for (options.seed = 1; options.seed <= kSeeds; ++options.seed) {
        const std::string failure = simulate(options).failure;
        if (failure.empty()) continue;
        std::printf("%-24s seed %-3llu %s\n", bug.name,
                    static_cast<unsigned long long>(options.seed), failure.c_str());
        return;
    }
    ADD_FAILURE() << bug.name << ": " << bug.text;
}

TEST(SabotageTest, EachIsFound) {
    for (const Bug& bug : kBugs)
        if (is_wanted(bug)) find(bug, {});
}

// In the rig only: on threads nobody looks into the stores.
TEST(SabotageTest, EachOfKeepingIsFound) {
    for (const Bug& bug : kBugsOfKeeping)
        if (is_wanted(bug)) find(bug, {});
}

TEST(SabotageTest, EachOfQuicIsFound) {
    for (const Bug& bug : kBugsOfQuic)
        if (is_wanted(bug)) find(bug, {.steps = kStepsOverQuic, .make_world = make_quic_world});
}

TEST(SabotageTest, MostAreFoundOnThreads) {
    for (const Bug& bug : kBugs)
        if (is_wanted(bug) && !is_rare_on_threads(bug))
            find(bug, {.make_world = make_thread_world});
}

TEST(SabotageTest, WithoutAnyNothingFails) {
    active_sabotage = Sabotage::None;
    for (const auto make_world : {make_rig_world, make_thread_world})
        for (std::uint64_t seed = 1; seed <= 5; ++seed)
            EXPECT_EQ(simulate({.seed = seed, .make_world = make_world}).failure, "") << seed;
    const SimOptions over_quic{.seed = 1, .steps = kStepsOverQuic, .make_world = make_quic_world};
    EXPECT_EQ(simulate(over_quic).failure, "");
}

}  // namespace
}  // namespace starling
