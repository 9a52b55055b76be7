// Random runs against the reference model. A failing seed prints itself, runs alone and loudly with
// STARLING_SEED=n, and joins seeds.h.
#include "tests/sim/run_seeds.h"
#include "tests/sim/seeds.h"

namespace starling {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 150;  // an instrumented run takes several times as long
#else
constexpr std::uint64_t kSeeds = 500;
#endif
constexpr std::uint64_t kSeedsLong = 10'000;

TEST(ModelTest, SeedsThatOnceFailed) {
    for (const std::uint64_t seed : kRegressionSeeds) run_seed({.seed = seed});
}

TEST(ModelTest, TheBrokerDoesWhatTheModelDemands) { run_seeds({}, 1'000, kSeeds); }

TEST(ModelTestLong, TheBrokerDoesWhatTheModelDemands) { run_seeds({}, 100'000, kSeedsLong); }

}  // namespace
}  // namespace starling
