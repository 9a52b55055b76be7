// The same random runs with every core on a thread of its own, also for ThreadSanitizer. A seed
// fixes what the clients do, the machine when: one that fails may need several tries.
#include "tests/sim/run_seeds.h"

namespace starling {
namespace {

constexpr std::uint64_t kSeeds = 30;
constexpr std::uint64_t kSeedsLong = 1'000;

TEST(ThreadsTest, TheBrokerDoesWhatTheModelDemands) {
    run_seeds({.make_world = make_thread_world}, 1, kSeeds);
}

TEST(ThreadsTestLong, TheBrokerDoesWhatTheModelDemands) {
    run_seeds({.make_world = make_thread_world}, 100'000, kSeedsLong);
}

}  // namespace
}  // namespace starling
