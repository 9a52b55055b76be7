// What a core's own machinery costs: a timer, a letter between cores, a wake-up.
#include <benchmark/benchmark.h>

#include "bench/counted.h"
#include "reactor/epoll_poller.h"
#include "reactor/mailboxes.h"
#include "reactor/spsc_queue.h"
#include "reactor/timer_wheel.h"

namespace starling {
namespace {

constexpr TimeMs kKeepAliveMs = 90'000;

// Timers spread over a keep-alive, each armed anew when it fires: all day long. Counts the ticks
// of that time.
void timer_ticks(benchmark::State& state) {
    const auto timers = static_cast<std::uint64_t>(state.range(0));
    TimerWheel wheel(0);
    for (std::uint64_t token = 0; token < timers; ++token)
        wheel.arm(token, token * kKeepAliveMs / timers);
    TimeMs now = 0;
    count(state, kKeepAliveMs / TimerWheel::kTickMs, [&](std::size_t) {
        now += TimerWheel::kTickMs;
        wheel.expire(now, 1'000,
                     [&](std::uint64_t token) { wheel.arm(token, now + kKeepAliveMs); });
    });
}
BENCHMARK(timer_ticks)->Name("counted/timer_tick_of_10_due")->Arg(56'250);
BENCHMARK(timer_ticks)->Name("timer_tick_of_1000000")->Arg(1'000'000);

// A timer beside one that is hours away: the whole wheel is searched for the next.
void timer_nearly_alone(benchmark::State& state) {
    TimerWheel wheel(0);
    wheel.arm(2, kNever / 2);
    TimeMs now = 0;
    count(state, 100, [&](std::size_t) {
        wheel.arm(1, now + 60'000);
        now = wheel.next_due(now);
        benchmark::DoNotOptimize(wheel.expire(now, 1'000, [](std::uint64_t) {}));
    });
}
BENCHMARK(timer_nearly_alone)->Name("counted/timer_nearly_alone");

void queue_push_and_pop(benchmark::State& state) {
    SpscQueue<std::uint64_t> queue;
    std::uint64_t item = 0;
    count(state, 1'000, [&](std::size_t i) {
        queue.push(i);
        queue.pop(item);
        benchmark::DoNotOptimize(item);
    });
}
BENCHMARK(queue_push_and_pop)->Name("counted/lane_push_and_pop");

// Of two cores in one thread. Neither ever sleeps. Owner: the benchmark.
class TwoCores {
public:
    TwoCores() {
        lanes_.set_waker(0, waker_);
        lanes_.set_waker(1, waker_);
    }

    // Requests go over, are finished there, and their credit comes back.
    void exchange(std::size_t requests) {
        for (std::size_t i = 0; i < requests; ++i) sender_.request(1, i);
        sender_.post();
        receiver_.drain([&](CoreId from, std::uint64_t& mail) {
            benchmark::DoNotOptimize(mail);
            receiver_.finish(from);
        });
        receiver_.post();
        sender_.drain([](CoreId, std::uint64_t&) {});
    }

private:
    std::unique_ptr<EpollPoller> poller_ = std::move(*EpollPoller::open());
    Waker waker_{*poller_};
    MailLanes<std::uint64_t> lanes_{2};
    Mailbox<std::uint64_t> sender_{lanes_, 0, 1'000};
    Mailbox<std::uint64_t> receiver_{lanes_, 1, 1'000};
};

void mail_exchange(benchmark::State& state) {
    const auto requests = static_cast<std::size_t>(state.range(0));
    TwoCores cores;
    count(state, 100, [&](std::size_t) { cores.exchange(requests); });
}
BENCHMARK(mail_exchange)->Name("counted/mail_exchange_of_1")->Arg(1);
BENCHMARK(mail_exchange)->Name("counted/mail_exchange_of_100")->Arg(100);

void poller_wake_and_wait(benchmark::State& state) {
    const auto poller = std::move(*EpollPoller::open());
    for (auto _ : state) {
        poller->wake();
        benchmark::DoNotOptimize(poller->wait(kNever).size());
    }
}
BENCHMARK(poller_wake_and_wait);

}  // namespace
}  // namespace starling
