#include "reactor/timer_wheel.h"

#include <algorithm>

#include "base/assert.h"

namespace starling {
namespace {

// A place keeps memory for so many timers: half a kilobyte.
constexpr std::size_t kTimersKept = 32;

template <typename T>
void give_back_memory(std::vector<T>& items) {
    if (items.capacity() > kTimersKept && items.size() < items.capacity() / 4)
        items.shrink_to_fit();
}

}  // namespace

void TimerWheel::arm(std::uint64_t token, TimeMs due_ms) {
    STARLING_ASSERT(due_ms <= kNever - kTickMs);
    const Tick due = due_ms <= now_ ? now_ / kTickMs : (due_ms + kTickMs - 1) / kTickMs;
    Place& place = places_[due % kPlaces];
    place.timers.push_back({token, due});
    place.earliest = std::min(place.earliest, due);
    next_ = std::min(next_, due);
    ++size_;
}

TimeMs TimerWheel::next_due(TimeMs now) const {
    return next_ == kNoTick ? kNever : std::max(now, next_ * kTickMs);
}

// Fills due_. The timers leave the wheel before the first of them fires, so that firing may arm.
void TimerWheel::take_due(TimeMs now, std::size_t budget) {
    due_.clear();
    now_ = std::max(now_, now);
    const Tick last = now_ / kTickMs;
    if (next_ > last) return;

    // However far behind, one pass will do: a sweep takes the due timers of every turn.
    if (last - next_ >= kPlaces) next_ = last - kPlaces + 1;
    for (; next_ <= last; ++next_) {
        sweep(places_[next_ % kPlaces], last, budget);
        if (due_.size() == budget) return;  // the next call goes on here
    }
    next_ = earliest(next_);
}

void TimerWheel::sweep(Place& place, Tick last, std::size_t budget) {
    if (place.earliest > last) return;
    place.earliest = kNoTick;
    size_ -= std::erase_if(place.timers, [&](const Timer& timer) {
        const bool taken = timer.due <= last && due_.size() < budget;
        if (taken) due_.push_back(timer.token);
        else place.earliest = std::min(place.earliest, timer.due);
        return taken;
    });
    give_back_memory(place.timers);
}

// The earliest tick of any timer. REQUIRES: none is due before `from`.
TimerWheel::Tick TimerWheel::earliest(Tick from) const {
    if (size_ == 0) return kNoTick;
    Tick earliest = kNoTick;
    for (Tick tick = from; tick < from + kPlaces && earliest > tick; ++tick)
        earliest = std::min(earliest, places_[tick % kPlaces].earliest);
    return earliest;
}

}  // namespace starling
