#include "reactor/offload.h"

#include <algorithm>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "reactor/epoll_poller.h"

namespace starling {
namespace {

void nothing() {}

class OffloadTest : public testing::Test {
protected:
    // What a core does: says that it sleeps, looks once more, waits.
    void run_once() {
        waker.falling_asleep();
        if (!home.has_any()) poller->wait(kNever);
        waker.awake();
        home.run();
    }

    std::unique_ptr<EpollPoller> poller = std::move(*EpollPoller::open());
    Waker waker{*poller};
    Completions home{waker};
};

TEST_F(OffloadTest, CompletesOnTheCore) {
    OffloadPool pool(2, 100);
    std::thread::id worker;
    std::thread::id completed;
    ASSERT_TRUE(pool.submit(
        home, [&] { worker = std::this_thread::get_id(); },
        [&] { completed = std::this_thread::get_id(); }));
    while (completed == std::thread::id()) run_once();
    EXPECT_EQ(completed, std::this_thread::get_id());
    EXPECT_NE(worker, completed);
}

TEST_F(OffloadTest, ManyJobsFromManyCompletions) {
    OffloadPool pool(4, 8);
    int done = 0;
    int submitted = 0;
    while (done < 2'000) {
        while (submitted < 2'000 && pool.submit(home, nothing, [&] { ++done; })) ++submitted;
        run_once();
    }
    EXPECT_EQ(submitted, done);
}

TEST_F(OffloadTest, RefusesWhatTheQueueCannotHold) {
    std::promise<void> begun, gate;
    OffloadPool pool(1, 2);
    ASSERT_TRUE(pool.submit(
        home,
        [&] {
            begun.set_value();
            gate.get_future().wait();
        },
        nothing));
    begun.get_future().wait();  // it has left the queue
    EXPECT_TRUE(pool.submit(home, nothing, nothing));
    EXPECT_TRUE(pool.submit(home, nothing, nothing));
    EXPECT_FALSE(pool.submit(home, nothing, nothing));
    gate.set_value();
}

TEST_F(OffloadTest, AStoppingPoolFinishesWhatItBeganAndDropsTheRest) {
    int done = 0;
    bool dropped_ran = false;
    std::promise<void> begun;
    {
        OffloadPool pool(1, 2);
        std::promise<void> gate;
        ASSERT_TRUE(pool.submit(
            home,
            [&, opened = gate.get_future().share()] {
                begun.set_value();
                opened.wait();
            },
            [&] { ++done; }));
        begun.get_future().wait();
        gate.set_value();
    }
    {
        OffloadPool idle(0, 1);
        ASSERT_TRUE(idle.submit(
            home, [&] { dropped_ran = true; }, [&] { ++done; }));
    }
    home.run();
    EXPECT_EQ(done, 1);
    EXPECT_FALSE(dropped_ran);
}

TEST_F(OffloadTest, CompletionsOutliveTheWorkDoneForThem) {
    OffloadPool pool(2, 100);
    std::atomic<int> worked = 0;
    int done = 0;
    {
        Completions short_lived(waker);
        for (int i = 0; i < 50; ++i)
            ASSERT_TRUE(pool.submit(
                short_lived, [&] { ++worked; }, [&] { ++done; }));
    }
    EXPECT_EQ(worked, 50);
    EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace starling
