// A small seeded generator, so that a run can be replayed.
#pragma once

#include <cstdint>

#include "base/hash.h"

namespace starling {

// SplitMix64 (Steele, Lea and Flood, 2014). Not for secrets.
// Owner: whoever owns its owner.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15u); }

    // Uniform enough in [0, bound). REQUIRES: bound > 0.
    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>((next() >> 32) * bound >> 32);
    }

private:
    std::uint64_t state_;
};

// A value nobody can guess, from the system. For keys and for identifiers that are handed out.
std::uint64_t secret_u64();

}  // namespace starling
