// Random runs against the reference model. A failing seed prints itself, runs alone and loudly with
// STARLING_SEED=n, and joins seeds.h.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/driver.h"
#include "tests/sim/seeds.h"

namespace starling {
namespace {

constexpr unsigned kSteps = 500;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 150;  // an instrumented run takes several times as long
#else
constexpr std::uint64_t kSeeds = 500;
#endif
constexpr std::uint64_t kSeedsLong = 10'000;

// Answers whether it went well.
bool run_seed(std::uint64_t seed, bool is_loud = false) {
    const SimOutcome outcome = simulate({seed, kSteps, is_loud});
    if (outcome.failure.empty()) return true;
    ADD_FAILURE() << "STARLING_SEED=" << seed << ": " << outcome.failure << "\n" << outcome.story;
    return false;
}

void run_seeds(std::uint64_t first, std::uint64_t count) {
    if (const char* one = std::getenv("STARLING_SEED")) {
        run_seed(std::strtoull(one, nullptr, 10), true);
        return;
    }
    for (std::uint64_t seed = first; seed < first + count; ++seed)
        if (!run_seed(seed)) return;
}

TEST(ModelTest, SeedsThatOnceFailed) {
    for (const std::uint64_t seed : kRegressionSeeds) run_seed(seed);
}

TEST(ModelTest, TheBrokerDoesWhatTheModelDemands) { run_seeds(1'000, kSeeds); }

TEST(ModelTestLong, TheBrokerDoesWhatTheModelDemands) { run_seeds(100'000, kSeedsLong); }

}  // namespace
}  // namespace starling
