#include "base/time.h"

#include <ctime>

namespace starling {

std::uint64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
           static_cast<std::uint64_t>(now.tv_nsec);
}

SystemClock::SystemClock() : start_ns_(monotonic_ns()) {}

TimeMs SystemClock::now_ms() const { return (monotonic_ns() - start_ns_) / 1'000'000u + 1; }

}  // namespace starling
