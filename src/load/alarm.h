// A wake-up at an exact moment.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "reactor/poller.h"

namespace starling {

// The core's timers come in ticks of 16 ms; who sends a thousand messages a second needs one that
// rings within microseconds. Owner: one core.
class Alarm {
public:
    // Rings as readiness of `token`. Takes one descriptor.
    static Result<std::unique_ptr<Alarm>> open(Poller& poller, std::uint64_t token);
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    ~Alarm();

    // Once, at this moment of monotonic_ns() or, if that has gone by, at once. What was set before
    // does not ring any more.
    void set(std::uint64_t at_ns);

private:
    Alarm(Poller& poller, int descriptor) : poller_(poller), descriptor_(descriptor) {}

    Poller& poller_;
    int descriptor_;
    std::uint64_t set_to_ns_ = 0;
};

}  // namespace starling
