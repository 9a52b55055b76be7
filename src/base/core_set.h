// Some of the cores of a process.
#pragma once

#include <bit>
#include <cstdint>

#include "base/handle.h"
#include "base/limits.h"

namespace starling {

// One bit a core. Plain data.
class CoreSet {
public:
    void add(CoreId core) { bits_ |= bit(core); }
    void remove(CoreId core) { bits_ &= ~bit(core); }
    void add(CoreSet other) { bits_ |= other.bits_; }
    bool has(CoreId core) const { return (bits_ & bit(core)) != 0; }
    bool empty() const { return bits_ == 0; }

    // Calls visit(core) for each, lowest first.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::uint64_t rest = bits_; rest != 0; rest &= rest - 1)
            visit(static_cast<CoreId>(std::countr_zero(rest)));
    }

private:
    static_assert(limits::kCores <= 64);
    static std::uint64_t bit(CoreId core) { return std::uint64_t{1} << core; }

    std::uint64_t bits_ = 0;
};

}  // namespace starling
