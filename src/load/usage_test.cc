#include "load/usage.h"

#include <unistd.h>

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Usage, KnowsThisProcess) {
    const auto usage = usage_of(::getpid());
    ASSERT_TRUE(usage);
    EXPECT_GT(usage->cpu_s, 0);
    EXPECT_GT(usage->anon_bytes, 0u);
    EXPECT_GT(usage->rss_bytes, usage->anon_bytes);
}

TEST(Usage, KnowsNothingOfWhoIsNotThere) { EXPECT_FALSE(usage_of(0x3FFFFFFF)); }

TEST(Usage, DividesTheExactTimeAsTheRoughOnesAre) {
    const ProcessUsage before{.cpu_s = 1, .user_s = 0.5, .system_s = 0.5};
    const CpuTime used = cpu_between(before, {.cpu_s = 1.036, .user_s = 0.52, .system_s = 0.51});
    EXPECT_NEAR(used.user_s, 0.024, 1e-9);
    EXPECT_NEAR(used.system_s, 0.012, 1e-9);
    EXPECT_NEAR(used.sum_s(), 0.036, 1e-9);
}

}  // namespace
}  // namespace starling
