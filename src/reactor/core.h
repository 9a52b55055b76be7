// One thread's event loop: who does what in a turn, and when it sleeps.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/handle.h"
#include "base/time.h"
#include "reactor/poller.h"
#include "reactor/timer_wheel.h"
#include "reactor/waker.h"

namespace starling {

// What a core does in each stage of its turn, in this order. Implemented by the broker and by the
// client; the loop itself knows neither.
class TurnHandler {
public:
    virtual ~TurnHandler() = default;

    virtual void read(std::span<const Readiness> ready) = 0;
    virtual void mail() = 0;
    virtual void timer(std::uint64_t token) = 0;
    virtual void commit() = 0;
    virtual void post() = 0;
    virtual void write() = 0;
    virtual void reap() = 0;

    // Work that a budget cut off waits: the core does not sleep.
    virtual bool has_work() const = 0;

    // Mail waits: asked after the core has said that it falls asleep.
    virtual bool has_mail() const = 0;
};

// One thread's loop. Mail waits in boxes that the handler knows; who puts some in calls
// waker().notify().
//
// Owner: its thread; stop() and waker().notify() from any.
class Core {
public:
    // Timers fired in a turn; more wait for the next, which then does not sleep. A thousand lazy
    // keep-alives cost some tens of microseconds, a thousand session ends about a millisecond.
    static constexpr std::size_t kTimersPerTurn = 1'000;

    Core(CoreId id, Poller& poller, const Clock& clock);

    // One turn: poll, then every stage of `handler`. Sleeps at most until the next timer, not at
    // all when `handler` has work.
    void turn(TurnHandler& handler);

    // Turns until stop(), which a signal handler may call too. What was stopped stays so.
    void run(TurnHandler& handler);
    void stop();

    CoreId id() const { return id_; }
    TimeMs now() const { return now_; }  // read once a turn
    TimerWheel& timers() { return timers_; }
    Poller& poller() { return poller_; }
    Waker& waker() { return waker_; }
    std::uint64_t turns() const { return turns_; }

    // Timers that fired in the last turn that came so far.
    std::size_t timers_fired() const { return timers_fired_; }

private:
    std::span<const Readiness> poll(const TurnHandler& handler);
    TimeMs until_next_timer() const;

    CoreId id_;
    Poller& poller_;
    const Clock& clock_;
    Waker waker_;
    TimeMs now_;
    TimerWheel timers_;
    std::uint64_t turns_ = 0;
    std::size_t timers_fired_ = 0;
    std::atomic<bool> stopping_{false};
};

}  // namespace starling
