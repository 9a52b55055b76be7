#include "reactor/core.h"

namespace starling {

Core::Core(CoreId id, Poller& poller, const Clock& clock)
    : id_(id),
      poller_(poller),
      clock_(clock),
      waker_(poller),
      now_(clock.now_ms()),
      timers_(now_) {}

void Core::turn(TurnHandler& handler) {
    const std::span<const Readiness> ready = poll(handler);
    now_ = clock_.now_ms();
    ++turns_;

    handler.read(ready);
    handler.mail();
    timers_fired_ =
        timers_.expire(now_, kTimersPerTurn, [&](std::uint64_t token) { handler.timer(token); });
    handler.commit();
    handler.post();
    handler.write();
    handler.reap();
}

void Core::run(TurnHandler& handler) {
    while (!stopping_.load(std::memory_order_acquire)) turn(handler);
}

// The wake-up lasts until a wait() has seen it, so a core that is just falling asleep stops too.
void Core::stop() {
    stopping_.store(true, std::memory_order_release);
    poller_.wake();
}

std::span<const Readiness> Core::poll(const TurnHandler& handler) {
    if (handler.has_work()) return poller_.wait(0);

    waker_.falling_asleep();
    const std::span<const Readiness> ready =
        poller_.wait(handler.has_mail() ? 0 : until_next_timer());
    waker_.awake();
    return ready;
}

// By the clock, not by now(): the turn took its time.
TimeMs Core::until_next_timer() const {
    const TimeMs now = clock_.now_ms();
    const TimeMs due = timers_.next_due(now);
    return due == kNever ? kNever : due - now;
}

}  // namespace starling
