#include "reactor/mailboxes.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "reactor/core.h"
#include "reactor/epoll_poller.h"

namespace starling {
namespace {

// Counts its wake-ups.
struct CountingPoller final : Poller {
    Result<void> add(int, std::uint64_t) override { return {}; }
    void remove(int) override {}
    std::span<const Readiness> wait(TimeMs) override { return {}; }
    void wake() override { ++wakes; }
    int wakes = 0;
};

// One core's end, with its sleep in the hands of a test.
struct Seat {
    Seat(MailLanes<int>& lanes, CoreId self, std::uint32_t credit) : mailbox(lanes, self, credit) {
        lanes.set_waker(self, waker);
    }

    // What came, as {sender, mail}.
    std::vector<std::pair<CoreId, int>> drain() {
        std::vector<std::pair<CoreId, int>> all;
        mailbox.drain([&](CoreId from, int& one) { all.emplace_back(from, one); });
        return all;
    }
    // How often it was woken, asleep, by what `act` does.
    template <typename Act>
    int wakes_by(Act act) {
        const int before = poller.wakes;
        waker.falling_asleep();
        act();
        waker.awake();
        return poller.wakes - before;
    }

    CountingPoller poller;
    Waker waker{poller};
    Mailbox<int> mailbox;
};

class MailboxTest : public testing::Test {
protected:
    static constexpr std::uint32_t kCredit = 2;

    // Core `to` handles what it has and finishes all of it.
    static void finish_all(Seat& to) {
        for (const auto& [from, one] : to.drain()) to.mailbox.finish(from);
    }

    MailLanes<int> lanes{3};
    Seat a{lanes, 0, kCredit};
    Seat b{lanes, 1, kCredit};
    Seat c{lanes, 2, kCredit};
};

using Letters = std::vector<std::pair<CoreId, int>>;

TEST_F(MailboxTest, KeepsTheOrderOfEachSender) {
    EXPECT_FALSE(c.mailbox.has_mail());
    b.mailbox.send(2, 10);
    a.mailbox.request(2, 1);
    a.mailbox.send(2, 2);
    b.mailbox.request(2, 11);
    a.mailbox.request(2, 3);
    EXPECT_TRUE(c.mailbox.has_mail());
    EXPECT_FALSE(a.mailbox.has_mail());
    EXPECT_EQ(c.drain(), (Letters{{0, 1}, {0, 2}, {0, 3}, {1, 10}, {1, 11}}));
    EXPECT_FALSE(c.mailbox.has_mail());
    EXPECT_EQ(a.mailbox.sent(), 3u);
    EXPECT_EQ(b.mailbox.sent(), 2u);
    EXPECT_EQ(c.mailbox.received(), 5u);
}

TEST_F(MailboxTest, WhatComesWhileItDrainsWaitsForTheNextTime) {
    a.mailbox.send(1, 1);
    int visits = 0;
    b.mailbox.drain([&](CoreId, int&) {
        if (++visits == 1) a.mailbox.send(1, 2);
    });
    EXPECT_EQ(visits, 1);
    EXPECT_EQ(b.drain(), (Letters{{0, 2}}));
}

TEST_F(MailboxTest, DrainsNoMoreOfEachSenderThanItIsTold) {
    for (int i = 0; i < 3; ++i) a.mailbox.send(2, i), b.mailbox.send(2, 10 + i);
    const auto drain = [&] {
        Letters all;
        c.mailbox.drain([&](CoreId from, int& one) { all.emplace_back(from, one); }, 2);
        return all;
    };
    EXPECT_EQ(drain(), (Letters{{0, 0}, {0, 1}, {1, 10}, {1, 11}}));
    EXPECT_TRUE(c.mailbox.has_mail());
    EXPECT_EQ(drain(), (Letters{{0, 2}, {1, 12}}));
}

TEST_F(MailboxTest, CreditIsSpentByEachLane) {
    a.mailbox.request(1, 1);
    EXPECT_TRUE(a.mailbox.has_credit(1));
    a.mailbox.request(1, 2);
    EXPECT_FALSE(a.mailbox.has_credit(1));
    EXPECT_TRUE(a.mailbox.has_credit(2));
    EXPECT_FALSE(a.mailbox.has_credit()) << "not to every core";
    EXPECT_TRUE(b.mailbox.has_credit()) << "the other way is another lane";
    a.mailbox.send(1, 3);  // needs none
    EXPECT_EQ(b.drain().size(), 3u);
}

TEST_F(MailboxTest, CreditComesBackOnlyWhenTheRequestIsFinishedAndBothHaveTurnedToIt) {
    a.mailbox.request(1, 1);
    a.mailbox.request(1, 2);
    EXPECT_EQ(b.drain().size(), 2u);
    b.mailbox.post();
    a.drain();
    EXPECT_FALSE(a.mailbox.has_credit(1)) << "received is not finished";

    b.mailbox.finish(0);
    a.drain();
    EXPECT_FALSE(a.mailbox.has_more_credit());
    EXPECT_FALSE(a.mailbox.has_credit(1)) << "not posted";

    b.mailbox.post();
    EXPECT_TRUE(a.mailbox.has_more_credit());
    EXPECT_FALSE(a.mailbox.has_credit(1)) << "not looked at";

    a.drain();
    EXPECT_FALSE(a.mailbox.has_more_credit());
    EXPECT_TRUE(a.mailbox.has_credit(1));
    a.mailbox.request(1, 3);
    EXPECT_FALSE(a.mailbox.has_credit(1)) << "one was finished, not two";
}

TEST_F(MailboxTest, OnlyTheSenderOfARequestGetsItsCredit) {
    for (Seat* from : {&a, &b}) {
        from->mailbox.request(2, 1);
        from->mailbox.request(2, 2);
    }
    c.drain();
    c.mailbox.finish(1);
    c.mailbox.post();
    a.drain();
    b.drain();
    EXPECT_FALSE(a.mailbox.has_credit(2));
    EXPECT_TRUE(b.mailbox.has_credit(2));
}

TEST_F(MailboxTest, WakesWhoSleepsOncePerPost) {
    EXPECT_EQ(b.wakes_by([&] {
        a.mailbox.send(1, 1);
        a.mailbox.send(1, 2);
    }),
              0)
        << "only post() wakes";
    EXPECT_EQ(b.wakes_by([&] { a.mailbox.post(); }), 1);
    EXPECT_EQ(b.wakes_by([&] { a.mailbox.post(); }), 0) << "nothing was written since";
    a.mailbox.send(1, 3);
    a.mailbox.post();
    EXPECT_EQ(b.poller.wakes, 1) << "awake it sees the mail itself";
}

TEST_F(MailboxTest, WakesAStarvedSenderWhenItsCreditComes) {
    a.mailbox.request(1, 1);
    a.mailbox.request(1, 2);
    a.mailbox.await_credit();
    EXPECT_EQ(a.wakes_by([&] { finish_all(b); }), 0);
    EXPECT_EQ(a.wakes_by([&] { b.mailbox.post(); }), 1);

    // It has some again and did not say that it waits for more.
    a.drain();
    a.mailbox.request(1, 3);
    finish_all(b);
    EXPECT_EQ(a.wakes_by([&] { b.mailbox.post(); }), 0);
}

TEST_F(MailboxTest, NobodyIsWokenForCreditThatNobodyAwaits) {
    a.mailbox.request(1, 1);
    a.mailbox.request(1, 2);
    finish_all(b);
    EXPECT_EQ(a.wakes_by([&] { b.mailbox.post(); }), 0);
    a.mailbox.await_credit();  // too late to be told, so it looks
    EXPECT_TRUE(a.mailbox.has_more_credit());
}

TEST_F(MailboxTest, IsPostedWhenAllHaveBeenToldAndWoken) {
    EXPECT_TRUE(a.mailbox.is_posted());
    a.mailbox.request(1, 1);
    EXPECT_FALSE(a.mailbox.is_posted());
    a.mailbox.post();
    EXPECT_TRUE(a.mailbox.is_posted());
    b.drain();
    EXPECT_TRUE(b.mailbox.is_posted());
    b.mailbox.finish(0);
    EXPECT_FALSE(b.mailbox.is_posted());
    b.mailbox.post();
    EXPECT_TRUE(b.mailbox.is_posted());
}

// --- Threads that sleep --------------------------------------------------------------------------

// A core that has requests to make, as many as its credit allows at a time, and finishes those of
// the other. Nothing but credit and requests tells them of each other.
class Player final : public TurnHandler {
public:
    Player(Core& core, MailLanes<int>& lanes, std::uint32_t credit, int to_ask, int to_hear)
        : core_(core),
          mailbox_(lanes, core.id(), credit),
          to_ask_(to_ask),
          to_hear_(to_hear) {
        lanes.set_waker(core.id(), core.waker());
    }

    void read(std::span<const Readiness>) override {
        const auto other = static_cast<CoreId>(1 - core_.id());
        for (; to_ask_ != 0 && mailbox_.has_credit(); --to_ask_) mailbox_.request(other, to_ask_);
    }
    void mail() override {
        mailbox_.drain([&](CoreId from, int& one) {
            in_order_ = in_order_ && one == to_hear_;
            --to_hear_;
            mailbox_.finish(from);
        });
    }
    void timer(std::uint64_t) override {}
    void commit() override {}
    void post() override {
        if (to_ask_ != 0) mailbox_.await_credit();
        mailbox_.post();
        if (to_ask_ == 0 && to_hear_ == 0) core_.stop();
    }
    void write() override {}
    void reap() override {}
    bool has_work() const override { return to_ask_ != 0 && mailbox_.has_credit(); }
    bool has_mail() const override {
        return mailbox_.has_mail() || (to_ask_ != 0 && mailbox_.has_more_credit());
    }

    bool in_order() const { return in_order_; }

private:
    Core& core_;
    Mailbox<int> mailbox_;
    int to_ask_;   // requests to be made, counting down
    int to_hear_;  // the other's
    bool in_order_ = true;
};

// Ends the test program if its threads hang; says nothing of how fast they are.
class HangGuard {
public:
    HangGuard() : thread_([this] { watch(); }) {}
    ~HangGuard() {
        {
            const std::lock_guard lock(mutex_);
            is_over_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

private:
    void watch() {
        std::unique_lock lock(mutex_);
        const bool is_in_time =
            changed_.wait_for(lock, std::chrono::minutes(10), [this] { return is_over_; });
        STARLING_ASSERT(is_in_time);
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_over_ = false;
    std::thread thread_;
};

struct Table {
    Table(CoreId id, MailLanes<int>& lanes, std::uint32_t credit, int to_ask, int to_hear)
        : core(id, *poller, clock),
          player(core, lanes, credit, to_ask, to_hear) {}

    std::unique_ptr<EpollPoller> poller = std::move(*EpollPoller::open());
    SystemClock clock;
    Core core;
    Player player;
};

TEST(Mailboxes, TwoSleepingCoresNeverMissEachOther) {
    const HangGuard guard;
    constexpr int kRequests = 20'000;
    for (const int to_hear : {0, kRequests})
        for (const std::uint32_t credit : {1u, 2u, 5u}) {
            MailLanes<int> lanes(2);
            Table one(0, lanes, credit, kRequests, to_hear);
            Table two(1, lanes, credit, to_hear, kRequests);
            std::thread other([&] { two.core.run(two.player); });
            one.core.run(one.player);
            other.join();
            EXPECT_TRUE(one.player.in_order() && two.player.in_order()) << "credit " << credit;
        }
}

}  // namespace
}  // namespace starling
