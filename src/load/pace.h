// How many of something may have begun by now.
#pragma once

#include <cstdint>

namespace starling {

// So many a second from a start on; whoever is late catches up. Owner: whoever owns its owner.
class Pace {
public:
    // 0 a second: no limit.
    Pace(double per_second, std::uint64_t start_ns)
        : per_second_(per_second),
          start_ns_(start_ns) {}

    // Whether number `count`, from 0, may begin.
    bool allows(std::uint64_t count, std::uint64_t now_ns) const { return now_ns >= due_ns(count); }

    std::uint64_t due_ns(std::uint64_t count) const {
        if (per_second_ == 0) return start_ns_;
        return start_ns_ +
               static_cast<std::uint64_t>(static_cast<double>(count) * 1e9 / per_second_);
    }

private:
    double per_second_;
    std::uint64_t start_ns_;
};

}  // namespace starling
