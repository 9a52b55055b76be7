#include "load/histogram.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Histogram, KnowsAValueToOneIn128) {
    struct Case {
        std::uint64_t value;
        std::uint64_t largest;  // of its place
    };
    static constexpr Case cases[] = {
        {0, 0},
        {1, 1},
        {127, 127},
        {128, 128},
        {255, 255},
        {256, 257},
        {257, 257},
        {258, 259},
        {511, 511},
        {512, 515},
        {1'000, 1'003},
        {1'000'000, 1'003'519},
        {Histogram::kValueMax, Histogram::kValueMax},
        {~std::uint64_t{0}, Histogram::kValueMax},
    };
    for (const Case& c : cases) {
        const std::size_t place = Histogram::place_of(c.value);
        EXPECT_LT(place, Histogram::kPlaces);
        EXPECT_EQ(Histogram::largest_in(place), c.largest) << c.value;
    }
}

TEST(Histogram, PlacesFollowEachOtherWithoutGaps) {
    for (std::size_t place = 0; place + 1 < Histogram::kPlaces; ++place) {
        const std::uint64_t largest = Histogram::largest_in(place);
        ASSERT_EQ(Histogram::place_of(largest), place);
        ASSERT_EQ(Histogram::place_of(largest + 1), place + 1);
    }
}

TEST(Histogram, AnswersQuantiles) {
    Histogram histogram;
    for (std::uint64_t value = 1; value <= 100; ++value) histogram.record(value);
    struct Case {
        double share;
        std::uint64_t value;
    };
    for (const Case& c : {Case{0, 1}, {0.01, 1}, {0.5, 50}, {0.501, 51}, {0.99, 99}, {1, 100}})
        EXPECT_EQ(histogram.quantile(c.share), c.value) << c.share;
    EXPECT_EQ(histogram.count(), 100u);
    EXPECT_EQ(histogram.max(), 100u);
}

TEST(Histogram, NoQuantileIsAboveTheLargestValue) {
    Histogram histogram;
    histogram.record(1'000'000);
    EXPECT_EQ(histogram.quantile(0.5), 1'000'000u);
}

TEST(Histogram, AnswersZeroWhenEmpty) {
    EXPECT_EQ(Histogram().quantile(0.5), 0u);
    EXPECT_EQ(Histogram().max(), 0u);
}

TEST(Histogram, MergesAsIfOneHadRecordedAll) {
    Histogram one, other, both;
    for (std::uint64_t value = 1; value < 100'000; value = value * 3 / 2 + 1) {
        (value % 2 == 0 ? one : other).record(value);
        both.record(value);
    }
    one.merge(other);
    EXPECT_EQ(one.count(), both.count());
    EXPECT_EQ(one.max(), both.max());
    for (const double share : {0.1, 0.5, 0.9, 1.0})
        EXPECT_EQ(one.quantile(share), both.quantile(share));
}

}  // namespace
}  // namespace starling
