// What a core's own machinery costs: a timer, a letter between cores, a wake-up.
#include <benchmark/benchmark.h>

#include "reactor/epoll_poller.h"
#include "reactor/spsc_queue.h"
#include "reactor/timer_wheel.h"

namespace starling {
namespace {

// A million timers spread over 90 s, each armed anew when it fires: keep-alive, all day long.
void timer_arm_and_fire(benchmark::State& state) {
    constexpr std::uint64_t kTimers = 1'000'000;
    constexpr TimeMs kInterval = 90'000;
    TimerWheel wheel(0);
    for (std::uint64_t token = 0; token < kTimers; ++token)
        wheel.arm(token, token * kInterval / kTimers);
    TimeMs now = 0;
    std::size_t fired = 0;
    for (auto _ : state) {
        now += TimerWheel::kTickMs;
        fired += wheel.expire(now, 1'000,
                              [&](std::uint64_t token) { wheel.arm(token, now + kInterval); });
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(fired));
}
BENCHMARK(timer_arm_and_fire);

// A timer beside one that is hours away: the whole wheel is searched for the next.
void timer_nearly_alone(benchmark::State& state) {
    TimerWheel wheel(0);
    wheel.arm(2, kNever / 2);
    TimeMs now = 0;
    for (auto _ : state) {
        wheel.arm(1, now + 60'000);
        now = wheel.next_due(now);
        benchmark::DoNotOptimize(wheel.expire(now, 1'000, [](std::uint64_t) {}));
    }
}
BENCHMARK(timer_nearly_alone);

void mail_push_and_pop(benchmark::State& state) {
    SpscQueue<std::uint64_t> queue;
    std::uint64_t item = 0;
    for (auto _ : state) {
        for (std::uint64_t i = 0; i < 100; ++i) queue.push(i);
        while (queue.pop(item)) benchmark::DoNotOptimize(item);
    }
    state.SetItemsProcessed(100 * state.iterations());
}
BENCHMARK(mail_push_and_pop);

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
