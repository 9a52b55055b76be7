// Seeds that once failed: they run first.
#pragma once

#include <cstdint>

namespace starling {

inline constexpr std::uint64_t kRegressionSeeds[] = {1, 70841};

}  // namespace starling
