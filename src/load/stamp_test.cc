#include "load/stamp.h"

#include <array>

#include <gtest/gtest.h>

namespace starling {
namespace {

constexpr std::uint64_t kBits48 = (std::uint64_t{1} << 48) - 1;

TEST(Stamp, IsReadAsItWasWritten) {
    static constexpr Stamp cases[] = {
        {},
        {.run = 255, .flow = kFlowsMax - 1, .sequence = ~std::uint32_t{0}, .due_ns = kBits48},
        {.run = 7, .flow = 123, .sequence = 456'789, .due_ns = 1'234'567'890'123},
    };
    for (const Stamp& stamp : cases) {
        std::array<std::byte, kStampBytes> bytes{};
        write_stamp(stamp, bytes.data());
        EXPECT_EQ(read_stamp(bytes), stamp);
    }
}

TEST(Stamp, OtherPayloadsHaveNone) {
    EXPECT_FALSE(read_stamp({}));
    EXPECT_FALSE(read_stamp(as_bytes("fifteen letters")));
    EXPECT_FALSE(read_stamp(as_bytes("quite another payload")));
    std::array<std::byte, kStampBytes> bytes{};
    write_stamp({.run = 1, .flow = 2, .sequence = 3, .due_ns = 4}, bytes.data());
    for (std::byte& byte : bytes) {
        byte ^= std::byte{1};
        EXPECT_FALSE(read_stamp(bytes)) << "a wrong byte at " << &byte - bytes.data();
        byte ^= std::byte{1};
    }
}

TEST(Stamp, AgeSurvivesTheLossOfTheUpperBits) {
    struct Case {
        std::uint64_t due, now, age;
    };
    static constexpr Case cases[] = {
        {5, 12, 7},
        {12, 5, 0},  // not past yet
        {kBits48, kBits48 + 3, 3},
        {(kBits48 + 10) & kBits48, kBits48 + 12, 2},
    };
    for (const Case& c : cases) EXPECT_EQ(age_ns(c.due, c.now), c.age) << c.due;
}

}  // namespace
}  // namespace starling
