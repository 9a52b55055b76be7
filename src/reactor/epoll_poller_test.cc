#include "reactor/epoll_poller.h"

#include <atomic>
#include <csignal>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace starling {
namespace {

struct SocketPair {
    SocketPair() {
        STARLING_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, end) == 0);
    }
    ~SocketPair() {
        ::close(end[0]);
        ::close(end[1]);
    }
    void send() const { STARLING_ASSERT(::write(end[1], "x", 1) == 1); }

    int end[2];
};

class EpollPollerTest : public testing::Test {
protected:
    std::vector<Readiness> wait(TimeMs timeout_ms = 0) {
        const auto ready = poller->wait(timeout_ms);
        return {ready.begin(), ready.end()};
    }

    std::unique_ptr<EpollPoller> poller = std::move(*EpollPoller::open());
    SocketPair pair;
};

TEST_F(EpollPollerTest, ReportsAnEdgeOnce) {
    ASSERT_TRUE(poller->add(pair.end[0], 42));
    auto ready = wait();
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_EQ(ready[0].token, 42u);
    EXPECT_TRUE(ready[0].writable);
    EXPECT_FALSE(ready[0].readable);
    EXPECT_TRUE(wait().empty());

    pair.send();
    ready = wait();
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_TRUE(ready[0].readable);
    EXPECT_TRUE(wait().empty()) << "the bytes are unread, but no news";

    pair.send();
    EXPECT_EQ(wait().size(), 1u) << "a new edge";
}

TEST_F(EpollPollerTest, ReportsEdgesThatWaitedBeforeAdd) {
    pair.send();
    ASSERT_TRUE(poller->add(pair.end[0], 1));
    const auto ready = wait();
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_TRUE(ready[0].readable);
    EXPECT_FALSE(ready[0].ended);
}

TEST_F(EpollPollerTest, TellsThatThePeerEnded) {
    ASSERT_TRUE(poller->add(pair.end[0], 1));
    pair.send();
    ::shutdown(pair.end[1], SHUT_WR);
    const auto ready = wait();
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_TRUE(ready[0].readable);
    EXPECT_TRUE(ready[0].ended);
}

TEST_F(EpollPollerTest, SaysNothingAfterRemove) {
    ASSERT_TRUE(poller->add(pair.end[0], 1));
    poller->remove(pair.end[0]);
    pair.send();
    EXPECT_TRUE(wait().empty());
    EXPECT_TRUE(poller->add(pair.end[0], 2)) << "and may be added anew";
}

TEST_F(EpollPollerTest, AddFailsOnWhatIsNoSocket) { EXPECT_FALSE(poller->add(-1, 1)); }

TEST_F(EpollPollerTest, WaitsAsLongAsAskedAndNoShorter) {
    const SystemClock clock;
    const TimeMs start = clock.now_ms();
    EXPECT_TRUE(wait(5).empty());
    EXPECT_GE(clock.now_ms(), start + 5);
}

TEST_F(EpollPollerTest, EveryWakeEndsOneWait) {
    for (int i = 0; i < 3; ++i) {
        poller->wake();
        poller->wake();
        EXPECT_TRUE(wait(kNever).empty());
    }
    poller->wake();
    EXPECT_TRUE(wait(kNever - 1).empty()) << "longer than epoll can count";
}

TEST_F(EpollPollerTest, WakesFromAnotherThread) {
    for (int i = 0; i < 100; ++i) {
        std::thread other([&] { poller->wake(); });
        EXPECT_TRUE(wait(kNever).empty());
        other.join();
    }
}

TEST_F(EpollPollerTest, ReportsMoreSocketsThanFitOneAnswer) {
    constexpr std::size_t kPairs = EpollPoller::kReportsPerWait / 2 + 10;
    std::vector<SocketPair> pairs(kPairs);
    std::vector<int> reports(2 * kPairs);
    for (std::size_t i = 0; i < reports.size(); ++i)
        ASSERT_TRUE(poller->add(pairs[i / 2].end[i % 2], i));
    for (auto ready = wait(); !ready.empty(); ready = wait())
        for (const Readiness& one : ready) ++reports[one.token];
    EXPECT_EQ(reports, std::vector<int>(2 * kPairs, 1));
}

std::atomic<Poller*> woken_by_signal{nullptr};

TEST_F(EpollPollerTest, ASignalHandlerMayWake) {
    woken_by_signal = poller.get();
    const auto old = std::signal(SIGUSR1, [](int) { woken_by_signal.load()->wake(); });
    std::thread other([main = ::pthread_self()] { ::pthread_kill(main, SIGUSR1); });
    EXPECT_TRUE(wait(kNever).empty());
    other.join();
    std::signal(SIGUSR1, old);
}

}  // namespace
}  // namespace starling
