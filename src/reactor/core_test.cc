#include "reactor/core.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "reactor/epoll_poller.h"
#include "reactor/spsc_queue.h"

namespace starling {
namespace {

struct ManualClock final : Clock {
    TimeMs now_ms() const override { return now; }
    TimeMs now = 1'000;
};

// Sleeps in no time: moves the clock, and remembers for how long it was asked to.
struct FakePoller final : Poller {
    explicit FakePoller(ManualClock& its_clock) : clock(its_clock) {}

    Result<void> add(int, std::uint64_t) override { return {}; }
    void remove(int) override {}
    std::span<const Readiness> wait(TimeMs timeout_ms) override {
        timeouts.push_back(timeout_ms);
        if (timeout_ms != kNever) clock.now += timeout_ms;
        return ready;
    }
    void wake() override { ++wakes; }

    ManualClock& clock;
    std::vector<Readiness> ready;
    std::vector<TimeMs> timeouts;
    int wakes = 0;
};

struct Script : TurnHandler {
    void read(std::span<const Readiness> ready) override {
        log += "read" + std::to_string(ready.size()) + ' ';
    }
    void mail() override { log += "mail "; }
    void timer(std::uint64_t token) override { log += "timer" + std::to_string(token) + ' '; }
    void commit() override { log += "commit "; }
    void post() override { log += "post "; }
    void write() override { log += "write "; }
    void reap() override { log += "reap"; }
    bool has_work() const override { return work; }
    bool has_mail() const override { return mail_waits; }

    std::string log;
    bool work = false;
    bool mail_waits = false;
};

class CoreTest : public testing::Test {
protected:
    TimeMs slept() {
        core.turn(script);
        return poller.timeouts.back();
    }

    ManualClock clock;
    FakePoller poller{clock};
    Core core{3, poller, clock};
    Script script;
};

TEST_F(CoreTest, ATurnHasItsOrder) {
    poller.ready = {Readiness{.token = 1}, Readiness{.token = 2}};
    core.timers().arm(9, 0);
    core.turn(script);
    EXPECT_EQ(script.log, "read2 mail timer9 commit post write reap");
    EXPECT_EQ(core.turns(), 1u);
}

TEST_F(CoreTest, SleepsUntilTheNextTimer) {
    EXPECT_EQ(slept(), kNever);
    core.timers().arm(1, 1'600);
    EXPECT_EQ(slept(), 600u);
    EXPECT_EQ(core.now(), 1'600u);
    EXPECT_EQ(slept(), kNever);
}

TEST_F(CoreTest, CountsATurnsOwnTimeAgainstTheSleep) {
    core.timers().arm(1, 1'600);
    clock.now = 1'500;  // the turn before took half a second
    EXPECT_EQ(slept(), 100u);
}

TEST_F(CoreTest, DoesNotSleepWithWorkOrMail) {
    script.work = true;
    EXPECT_EQ(slept(), 0u);
    script.work = false;
    script.mail_waits = true;
    EXPECT_EQ(slept(), 0u);
}

TEST_F(CoreTest, TimersBeyondTheBudgetKeepItAwake) {
    for (std::size_t i = 0; i < Core::kTimersPerTurn + 1; ++i) core.timers().arm(i, 1'008);
    EXPECT_EQ(slept(), 8u);
    EXPECT_EQ(core.timers().size(), 1u);
    EXPECT_EQ(slept(), 0u);
    EXPECT_EQ(core.timers().size(), 0u);
}

TEST_F(CoreTest, IsNotifiedOnlyWhileItSleeps) {
    EXPECT_FALSE(core.waker().notify());
    core.waker().falling_asleep();
    EXPECT_TRUE(core.waker().notify());
    EXPECT_FALSE(core.waker().notify());
    EXPECT_EQ(poller.wakes, 1);
}

TEST_F(CoreTest, StoppedBeforeItRunsItTakesNoTurn) {
    core.stop();
    core.run(script);
    EXPECT_EQ(core.turns(), 0u);
}

// Answers each number that comes by mail with the next, and stops its core after the last.
struct Player final : Script {
    void mail() override {
        for (int ball; in.pop(ball);) {
            other->in.push(ball + 1);
            other->core->waker().notify();
            if (ball + 2 > kBalls) core->stop();
        }
    }
    bool has_mail() const override { return !in.empty(); }

    static constexpr int kBalls = 20'000;
    SpscQueue<int, 4> in;
    Core* core = nullptr;
    Player* other = nullptr;
};

// One ball between two cores: each sleeps before each of its strokes, so a wake-up that got lost
// would leave both asleep.
TEST(Cores, LoseNoWakeUp) {
    const SystemClock clock;
    const auto left_poller = std::move(*EpollPoller::open());
    const auto right_poller = std::move(*EpollPoller::open());
    Core left_core(0, *left_poller, clock), right_core(1, *right_poller, clock);
    Player left, right;
    left.core = &left_core;
    left.other = &right;
    right.core = &right_core;
    right.other = &left;

    left.in.push(1);
    std::thread thread([&] { right_core.run(right); });
    left_core.run(left);
    thread.join();
    EXPECT_GE(left_core.turns() + right_core.turns(), 2u);
}

}  // namespace
}  // namespace starling
