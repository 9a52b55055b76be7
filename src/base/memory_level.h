// How scarce memory is.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/limits.h"

namespace starling {

// What the last look saw, for all cores. Owner: the process; one core looks, all read.
class MemoryLevel {
public:
    enum class Level : std::uint8_t { Enough, Tight, Scarce, Full };

    explicit MemoryLevel(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

    bool is_limited() const { return bytes_max_ != 0; }

    void look(std::uint64_t bytes_in_use) {
        const auto reaches = [&](std::uint64_t percent) {
            return bytes_in_use >= bytes_max_ / 100 * percent;
        };
        Level level = Level::Enough;
        if (reaches(limits::kMemoryTightPercent)) level = Level::Tight;
        if (reaches(limits::kMemoryScarcePercent)) level = Level::Scarce;
        if (reaches(limits::kMemoryFullPercent)) level = Level::Full;
        level_.store(is_limited() ? level : Level::Enough, std::memory_order_relaxed);
    }

    bool is_tight() const { return level() >= Level::Tight; }
    bool is_scarce() const { return level() >= Level::Scarce; }
    bool is_full() const { return level() >= Level::Full; }

private:
    Level level() const { return level_.load(std::memory_order_relaxed); }

    const std::uint64_t bytes_max_;
    std::atomic<Level> level_{Level::Enough};
};

}  // namespace starling
