#include "load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace starling {
namespace {

constexpr std::uint64_t kPlacesPerDoubling = std::uint64_t{1} << Histogram::kPlaceBits;

}  // namespace

// The doubling is in the upper bits of the place, the leading bits of the value in the lower.
std::size_t Histogram::place_of(std::uint64_t value) {
    value = std::min(value, kValueMax);
    if (value < kPlacesPerDoubling) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kPlaceBits - 1;
    return (shift << kPlaceBits) + (value >> shift);
}

std::uint64_t Histogram::largest_in(std::size_t place) {
    if (place < 2 * kPlacesPerDoubling) return place;
    const std::size_t shift = (place >> kPlaceBits) - 1;
    const std::uint64_t leading = place - (shift << kPlaceBits);
    return ((leading + 1) << shift) - 1;
}

void Histogram::add(std::size_t place, std::uint64_t count, std::uint64_t largest) {
    counts_[place] += count;
    count_ += count;
    max_ = std::max(max_, largest);
}

void Histogram::merge(const Histogram& other) {
    other.for_each([&](std::size_t place, std::uint64_t count) { add(place, count, 0); });
    max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::quantile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t place = 0; place < kPlaces; ++place) {
        seen += counts_[place];
        if (seen != 0 && seen >= wanted) return std::min(largest_in(place), max_);
    }
    return 0;
}

}  // namespace starling
