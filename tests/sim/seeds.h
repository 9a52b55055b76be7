// Seeds that once failed: they run first.
#pragma once

#include <cstdint>

namespace starling {

inline constexpr std::uint64_t kRegressionSeeds[] = {1, 70841, 105502};

}  // namespace starling
