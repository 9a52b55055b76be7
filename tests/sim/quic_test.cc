// The same random runs over QUIC, through a network that loses, doubles, damages and delays.
#include "tests/sim/run_seeds.h"

namespace starling {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 8;  // an instrumented run takes several times as long
#else
constexpr std::uint64_t kSeeds = 25;
#endif
constexpr std::uint64_t kSeedsLong = 200;
constexpr unsigned kSteps = 150;  // of the short runs; a step takes longer than in the other worlds

TEST(QuicTest, TheBrokerDoesWhatTheModelDemands) {
    run_seeds({.steps = kSteps, .make_world = make_quic_world}, 1, kSeeds);
}

TEST(QuicTestLong, TheBrokerDoesWhatTheModelDemands) {
    run_seeds({.make_world = make_quic_world}, 100'000, kSeedsLong);
}

}  // namespace
}  // namespace starling
