#include "load/alarm.h"

#include <algorithm>
#include <cerrno>
#include <sys/timerfd.h>
#include <unistd.h>

namespace starling {

// Nobody ever reads it: each ring is a new edge.
Result<std::unique_ptr<Alarm>> Alarm::open(Poller& poller, std::uint64_t token) {
    const int descriptor = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (descriptor < 0) return Error{errno, "timerfd_create"};
    std::unique_ptr<Alarm> alarm(new Alarm(poller, descriptor));
    STARLING_CHECK(poller.add(descriptor, token));
    return alarm;
}

Alarm::~Alarm() {
    poller_.remove(descriptor_);
    ::close(descriptor_);
}

void Alarm::set(std::uint64_t at_ns) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    if (at_ns == set_to_ns_) return;
    set_to_ns_ = at_ns;
    const std::uint64_t at = std::max<std::uint64_t>(at_ns, 1);  // 0 would disarm it
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(at / kSecond);
    when.it_value.tv_nsec = static_cast<long>(at % kSecond);
    ::timerfd_settime(descriptor_, TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace starling
