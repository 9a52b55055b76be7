// How long things took: many values in little room, each to within a hundredth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace starling {

// A log-linear histogram: values below 128 have a place each, and every doubling above is cut into
// 128 places of equal width. So a value is known to 1 in 128, whatever its size. What is larger
// than kValueMax counts as that. 42 kB. Owner: whoever owns its owner.
class Histogram {
public:
    static constexpr unsigned kPlaceBits = 7;  // of each doubling
    static constexpr unsigned kValueBits = 48;
    static constexpr std::uint64_t kValueMax = (std::uint64_t{1} << kValueBits) - 1;
    static constexpr std::size_t kPlaces = (kValueBits - kPlaceBits + 1) << kPlaceBits;

    void record(std::uint64_t value) { add(place_of(value), 1, value); }
    void merge(const Histogram& other);

    std::uint64_t count() const { return count_; }
    std::uint64_t max() const { return max_; }  // exact

    // The least value that at least `share` (0 to 1) of all values do not exceed: the upper end of
    // its place. 0 when there are none.
    std::uint64_t quantile(double share) const;

    // For who sends a histogram elsewhere: `place` holds `count` values, none above `largest`.
    void add(std::size_t place, std::uint64_t count, std::uint64_t largest);

    // Calls visit(place, count) for each place that holds any.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::size_t place = 0; place < kPlaces; ++place)
            if (counts_[place] != 0) visit(place, counts_[place]);
    }

    static std::size_t place_of(std::uint64_t value);
    static std::uint64_t largest_in(std::size_t place);

private:
    std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(kPlaces);
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace starling
