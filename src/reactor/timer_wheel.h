// Many timers, cheap to arm, never cancelled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace starling {

// One wheel without cascades: a timer lies in the place of its due time modulo the wheel's span,
// and waits there for as many turns of the wheel as it takes. A timer is 16 bytes and names its
// target by a token; whoever it names checks whether it still matters, so nothing is ever searched
// for. Firing is never early and at most one tick late. An owner arms one timer and arms it anew
// when it fires.
//
// Owner: one core.
class TimerWheel {
public:
    static constexpr TimeMs kTickMs = 16;
    static constexpr std::size_t kPlaces = 4096;  // 65 s a turn

    explicit TimerWheel(TimeMs now) : now_(now) {}

    // Fires at `due_ms` or the first tick after; a time gone by means the next expire().
    // REQUIRES: due_ms is not kNever.
    void arm(std::uint64_t token, TimeMs due_ms);

    // Calls fire(token) for each due timer, oldest places first and in a place in the order of
    // arming, at most `budget` of them; what fire arms waits for the next call. Returns how many
    // fired; the rest comes next time. Costs a look at all timers of the places whose time has
    // come, and at each place at most once however far the clock has jumped.
    template <typename Fire>
    std::size_t expire(TimeMs now, std::size_t budget, Fire fire) {
        take_due(now, budget);
        for (const std::uint64_t token : due_) fire(token);
        return due_.size();
    }

    // When expire() should be called next: at the first due timer, or now. kNever when no timer is
    // armed.
    TimeMs next_due(TimeMs now) const;

    std::size_t size() const { return size_; }

private:
    using Tick = std::uint64_t;
    static constexpr Tick kNoTick = ~Tick{0};

    struct Timer {
        std::uint64_t token;
        Tick due;
    };
    struct Place {
        std::vector<Timer> timers;
        Tick earliest = kNoTick;
    };

    void take_due(TimeMs now, std::size_t budget);
    void sweep(Place& place, Tick last, std::size_t budget);
    Tick earliest(Tick from) const;

    std::vector<Place> places_ = std::vector<Place>(kPlaces);
    std::vector<std::uint64_t> due_;  // what this expire() fires
    TimeMs now_;
    Tick next_ = kNoTick;  // no place needs a look before
    std::size_t size_ = 0;
};

}  // namespace starling
