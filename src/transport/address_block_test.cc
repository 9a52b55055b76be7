#include "transport/address_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace starling {
namespace {

using namespace std::string_view_literals;
using testing::HasSubstr;

AddressBlock block(std::string_view text) {
    const auto parsed = AddressBlock::parse(text);
    EXPECT_TRUE(parsed) << text;
    return *parsed;
}

SocketAddress address(const char* host) { return *SocketAddress::parse(host, 4711); }

TEST(AddressBlock, ReadsAsItIsWritten) {
    struct Case {
        const char *written, *text;
    };
    static constexpr Case cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"192.0.2.7/32", "192.0.2.7/32"},
        {"192.0.2.7", "192.0.2.7/32"},
        {"192.0.2.4/30", "192.0.2.4/30"},
        {"::/0", "::/0"},
        {"::1", "::1/128"},
        {"2001:DB8:0::/33", "2001:db8::/33"},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {"::ffff:10.1.2.3", "10.1.2.3/32"},
        {"::ffff:0:0/95", ""},  // bits beyond
        {"::fffe:0:0/95", "::fffe:0:0/95"},
    };
    for (const Case& c : cases) {
        const auto parsed = AddressBlock::parse(c.written);
        EXPECT_EQ(parsed ? parsed->text() : "", c.text) << c.written;
    }
}

TEST(AddressBlock, RefusesWhatIsNone) {
    struct Case {
        std::string_view text;
        const char* says;
    };
    static constexpr Case cases[] = {
        {"", "'' is not a numeric address: a block is one as 10.0.0.0/8 or 2001:db8::/32"},
        {"/8", "'' is not a numeric address"},
        {"broker.example/8", "'broker.example' is not a numeric address"},
        {"10/8", "'10' is not a numeric address"},
        {"10.0.0/8", "'10.0.0' is not a numeric address"},
        {"010.0.0.0/8", "'010.0.0.0' is not a numeric address"},
        {"10.0.0.256", "'10.0.0.256' is not a numeric address"},
        {" 10.0.0.0/8", "' 10.0.0.0' is not a numeric address"},
        {"10.0.0.0\0/8"sv, "is not a numeric address"},
        {"[::1]/128", "'[::1]' is not a numeric address"},
        {"fe80::1%lo/64", "'fe80::1%lo' is not a numeric address"},
        {"1::2::3", "'1::2::3' is not a numeric address"},
        {"10.0.0.0/", "'10.0.0.0/': after / is a number of bits, 0 to 32"},
        {"10.0.0.0/33", "after / is a number of bits, 0 to 32"},
        {"10.0.0.0/-1", "after / is a number of bits, 0 to 32"},
        {"10.0.0.0/+8", "after / is a number of bits, 0 to 32"},
        {"10.0.0.0/8 ", "after / is a number of bits, 0 to 32"},
        {"10.0.0.0/8/8", "after / is a number of bits, 0 to 32"},
        {"10.0.0.0/255.0.0.0", "after / is a number of bits, 0 to 32"},
        {"10.0.0.0/99999999999", "after / is a number of bits, 0 to 32"},
        {"::/129", "'::/129': after / is a number of bits, 0 to 128"},
        {"10.1.2.3/8", "'10.1.2.3/8': bits are set after the first 8; the block is 10.0.0.0/8"},
        {"192.0.2.7/30", "the block is 192.0.2.4/30"},
        {"2001:db8::1/32", "bits are set after the first 32; the block is 2001:db8::/32"},
    };
    for (const Case& c : cases) {
        const auto parsed = AddressBlock::parse(c.text);
        ASSERT_FALSE(parsed) << c.text;
        EXPECT_THAT(parsed.error(), HasSubstr(c.says));
    }
}

TEST(AddressBlock, ContainsWhatBeginsWithItsBits) {
    struct Case {
        const char *block, *host;
        bool is_in;
    };
    static constexpr Case cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"192.0.2.4/30", "192.0.2.7", true},
        {"192.0.2.4/30", "192.0.2.8", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.6", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.1", false},
        {"::/0", "::ffff:192.0.2.1", false},
        {"2001:db8::/47", "2001:db8:1::9", true},
        {"2001:db8::/47", "2001:db8:2::9", false},
        {"::1", "::1", true},
        {"::1", "127.0.0.1", false},
    };
    for (const Case& c : cases)
        EXPECT_EQ(block(c.block).contains(address(c.host)), c.is_in) << c.block << ' ' << c.host;
}

TEST(AddressBlock, IsAroundAnAddress) {
    struct Case {
        const char *host, *text;
    };
    static constexpr Case cases[] = {
        {"192.0.2.7", "192.0.2.0/24"},
        {"::ffff:192.0.2.7", "192.0.2.0/24"},
        {"2001:db8:1:2::3", "2001:db8:1::/48"},
        {"::1", "::/48"},
    };
    for (const Case& c : cases) {
        const AddressBlock around = AddressBlock::around(address(c.host), {.v4 = 24, .v6 = 48});
        EXPECT_EQ(around.text(), c.text);
        EXPECT_EQ(around, block(c.text));
        EXPECT_EQ(as_text(around.key()), as_text(block(c.text).key()));
        EXPECT_TRUE(around.contains(address(c.host)));
    }
    EXPECT_NE(block("::/48"), block("::/47"));
}

}  // namespace
}  // namespace starling
