#include "mqtt/varint.h"

#include <gtest/gtest.h>

#include "mqtt/append.h"
#include "mqtt/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

TEST(Varint, IsWrittenInItsShortestFormAndReadBack) {
    proves("MQTT-1.5.5-1");
    struct Case {
        std::uint32_t value;
        const char* bytes;
    };
    static constexpr Case cases[] = {
        {0, "00"},
        {127, "7F"},
        {128, "8001"},
        {16'383, "FF7F"},
        {16'384, "808001"},
        {2'097'151, "FFFF7F"},
        {2'097'152, "80808001"},
        {kVarintMax, "FFFFFF7F"},
    };
    for (const Case& c : cases) {
        ByteVector out;
        append_varint(out, c.value);
        EXPECT_EQ(out, wire(c.bytes)) << c.value;
        EXPECT_EQ(varint_size(c.value), out.size()) << c.value;
        EXPECT_EQ(load_varint(out).value, c.value);
        EXPECT_EQ(load_varint(out).size, out.size()) << c.value;
        out.pop_back();
        EXPECT_EQ(load_varint(out).size, 0u) << c.value;
    }
}

TEST(Varint, HasAtMostFourBytes) {
    EXPECT_EQ(load_varint(wire("FFFFFF80")).size, Varint::kTooLong);
    EXPECT_EQ(load_varint(wire("8080808001")).size, Varint::kTooLong);
}

}  // namespace
}  // namespace starling
