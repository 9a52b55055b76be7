#include "load/alarm.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "reactor/epoll_poller.h"

namespace starling {
namespace {

constexpr std::uint64_t kToken = 7;

TEST(Alarm, RingsAtItsMomentEachTimeItIsSet) {
    auto poller = std::move(*EpollPoller::open());
    auto alarm = std::move(*Alarm::open(*poller, kToken));
    EXPECT_TRUE(poller->wait(0).empty());
    for (int time = 0; time < 3; ++time) {
        const std::uint64_t at = monotonic_ns() + 2'000'000;
        alarm->set(at);
        const auto ready = poller->wait(kNever);
        ASSERT_EQ(ready.size(), 1u);
        EXPECT_EQ(ready[0].token, kToken);
        EXPECT_GE(monotonic_ns(), at);
        EXPECT_TRUE(poller->wait(0).empty()) << "once";
    }
}

TEST(Alarm, RingsAtOnceForAMomentGoneBy) {
    auto poller = std::move(*EpollPoller::open());
    auto alarm = std::move(*Alarm::open(*poller, kToken));
    alarm->set(monotonic_ns() - 1'000);
    EXPECT_EQ(poller->wait(kNever).size(), 1u);
}

}  // namespace
}  // namespace starling
