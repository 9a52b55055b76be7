// One direction of the link.
#pragma once

#include <cstdint>
#include <deque>

#include "base/bytes.h"
#include "base/random.h"

namespace starling {

// How the link treats packets. Plain data.
struct LinkWeather {
    std::uint64_t delay_ns = 0;
    std::uint32_t loss_per_million = 0;
    std::uint32_t packets_max = 0;  // on their way at once; beyond: lost, and counted apart
};

// Packets on their way. Each is lost by chance, independently of all others, or comes out `delay`
// after it went in, in order. One seed and as many packets: the same ones are lost.
// Owner: the only thread.
class Lane {
public:
    struct Counts {
        std::uint64_t carried = 0;
        std::uint64_t lost = 0;
        std::uint64_t overflowed = 0;
    };

    Lane(const LinkWeather& weather, std::uint64_t seed) : weather_(weather), random_(seed) {}

    // One goes in. Its fate costs one number of the generator, whatever it is.
    void take(std::uint64_t now_ns, Bytes packet) {
        if (random_.below(1'000'000) < weather_.loss_per_million) ++counts_.lost;
        else if (on_the_way_.size() == weather_.packets_max) ++counts_.overflowed;
        else on_the_way_.push_back({now_ns + weather_.delay_ns, {packet.begin(), packet.end()}});
    }

    bool is_empty() const { return on_the_way_.empty(); }

    // When the next comes out. REQUIRES: !is_empty().
    std::uint64_t next_ns() const { return on_the_way_.front().due_ns; }

    // The next comes out. REQUIRES: !is_empty().
    ByteVector give() {
        ByteVector bytes = std::move(on_the_way_.front().bytes);
        on_the_way_.pop_front();
        ++counts_.carried;
        return bytes;
    }

    const Counts& counts() const { return counts_; }

private:
    struct Packet {
        std::uint64_t due_ns;
        ByteVector bytes;
    };

    LinkWeather weather_;
    Random random_;
    std::deque<Packet> on_the_way_;
    Counts counts_;
};

}  // namespace starling
