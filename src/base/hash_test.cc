#include "base/hash.h"

#include <string>

#include <gtest/gtest.h>

namespace starling {
namespace {

// The vectors of the SipHash reference: the key is 00 01 .. 0F, the text 00 01 .. of each length.
TEST(KeyedHash, IsSipHash13) {
    struct Case {
        std::size_t size;
        std::uint64_t hash;
    };
    static constexpr Case cases[] = {
        {0, 0xABAC0158050FC4DC}, {1, 0xC9F49BF37D57CA93},  {7, 0xD3927D989BB11140},
        {8, 0x369095118D299A8E}, {15, 0xD320D86D2A519956}, {63, 0x9D199062B7BBB3A8},
    };
    constexpr HashKey kKey = {0x0706050403020100, 0x0F0E0D0C0B0A0908};
    for (const Case& c : cases) {
        std::string text;
        for (std::size_t i = 0; i < c.size; ++i) text.push_back(static_cast<char>(i));
        EXPECT_EQ(keyed_hash(kKey, text), c.hash) << c.size;
    }
    EXPECT_EQ(keyed_hash(kKey, {}), cases[0].hash);
}

TEST(Crc16, IsRedisClusters) {
    EXPECT_EQ(crc16(""), 0);
    EXPECT_EQ(crc16("123456789"), 0x31C3);
    EXPECT_EQ(slot_of("123456789"), 0x31C3);
    EXPECT_EQ(slot_of("foo"), 12182);
    EXPECT_EQ(slot_of("bar"), 5061);
    EXPECT_EQ(slot_of("{foo}bar"), crc16("{foo}bar") % kSlots);  // no hash tags
}

}  // namespace
}  // namespace starling
