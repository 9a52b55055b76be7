// Seeds that once failed: they run first.
#pragma once

#include <cstdint>

namespace starling {

inline constexpr std::uint64_t kRegressionSeeds[] = {1,      1028,   1724,   70841,
                                                     100378, 100909, 105502, 107004};

}  // namespace starling
