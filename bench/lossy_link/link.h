// What carries packets between two networks.
#pragma once

#include <array>
#include <cstdint>

#include "bench/lossy_link/lane.h"
#include "bench/lossy_link/network.h"

namespace starling {

// Takes what each network sends and brings it to the other. Only IPv4 is carried.
// Owner: the only thread.
class Link {
public:
    Link(Network& near, Network& far, const LinkWeather& weather, std::uint64_t seed)
        : ways_{Way{far, near, Lane(weather, 2 * seed)},
                Way{near, far, Lane(weather, 2 * seed + 1)}} {}

    // Carries until a line, or the end, of standard input; answers whether it was a line. What the
    // networks had sent before that has been taken.
    bool run_until_told();

    // Carries until nothing is on its way.
    void run_until_empty();

    const Lane::Counts& up() const { return ways_[0].lane.counts(); }  // from far to near
    const Lane::Counts& down() const { return ways_[1].lane.counts(); }

    // How much later than it was due a packet came out, at most: the machine was busy.
    std::uint64_t latest_ns() const { return latest_ns_; }

private:
    struct Way {
        Network& from;
        Network& to;
        Lane lane;
    };

    bool is_empty() const;
    bool wait();
    void take(Way& way);
    void give(Way& way);

    std::array<Way, 2> ways_;
    std::array<std::byte, 1 << 16> room_;
    std::uint64_t latest_ns_ = 0;
};

}  // namespace starling
