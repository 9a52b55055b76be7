// Every seeded bug of base/sabotage.h must be found by the model test, within so many seeds.
// STARLING_SABOTAGED in the environment names one bug to try alone.
#include "base/sabotage.h"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/driver.h"

namespace starling {
namespace {

constexpr std::uint64_t kSeeds = 500;
constexpr unsigned kSteps = 500;

struct Bug {
    Sabotage sabotage;
    const char* name;
    const char* text;
};

#define STARLING_BUG(name, text) {Sabotage::name, #name, text},
constexpr Bug kBugs[] = {STARLING_SABOTAGES_OF_ONE_CORE(STARLING_BUG)
                             STARLING_SABOTAGES_OF_SEVERAL_CORES(STARLING_BUG)};
#undef STARLING_BUG

// The seed that finds it, or nothing; says what it was that gave the bug away.
std::uint64_t find(const Bug& bug, std::string& failure) {
    active_sabotage = bug.sabotage;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        failure = simulate({seed, kSteps, false}).failure;
        if (!failure.empty()) return seed;
    }
    return 0;
}

TEST(SabotageTest, EachIsFound) {
    const char* only = std::getenv("STARLING_SABOTAGED");
    for (const Bug& bug : kBugs) {
        if (only && std::string(only) != bug.name) continue;
        std::string failure;
        const std::uint64_t seed = find(bug, failure);
        EXPECT_NE(seed, 0u) << bug.name << ": " << bug.text;
        if (seed != 0)
            std::printf("%-24s seed %-3llu %s\n", bug.name, static_cast<unsigned long long>(seed),
                        failure.c_str());
    }
}

TEST(SabotageTest, WithoutAnyNothingFails) {
    active_sabotage = Sabotage::None;
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
        EXPECT_EQ(simulate({seed, kSteps, false}).failure, "") << seed;
}

}  // namespace
}  // namespace starling
