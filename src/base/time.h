// Time as the broker counts it.
#pragma once

#include <cstdint>

namespace starling {

// Milliseconds since the clock's start. 64 bits never wrap.
using TimeMs = std::uint64_t;

inline constexpr TimeMs kNever = ~TimeMs{0};

// Where time comes from. The system's is monotonic; the simulator's jumps when told.
// Owner: any core; now_ms() is thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    virtual TimeMs now_ms() const = 0;
};

// Nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share.
std::uint64_t monotonic_ns();

// Milliseconds of CLOCK_MONOTONIC since this object was made, plus one (0 can mean "none").
class SystemClock final : public Clock {
public:
    SystemClock();
    TimeMs now_ms() const override;

private:
    std::uint64_t start_ns_;
};

}  // namespace starling
