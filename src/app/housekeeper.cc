#include "app/housekeeper.h"

#include <chrono>
#include <utility>

#include "app/signals.h"
#include "base/heap.h"

namespace starling {

Housekeeper::Housekeeper(Chores chores)
    : chores_(std::move(chores)),
      thread_(Signals::start_thread([this](const std::stop_token& stop) { run(stop); })) {}

void Housekeeper::tell_to_reload() {
    {
        const std::lock_guard lock(mutex_);
        is_told_ = true;
    }
    told_.notify_one();
}

void Housekeeper::run(const std::stop_token& stop) {
    constexpr std::chrono::seconds kInterval(5);
    HeapTrimmer trimmer;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        told_.wait_for(lock, stop, kInterval, [this] { return is_told_; });
        const bool was_told = std::exchange(is_told_, false);
        lock.unlock();
        if (was_told) chores_.reload();
        chores_.look();
        trimmer.look();
        lock.lock();
    }
}

}  // namespace starling
