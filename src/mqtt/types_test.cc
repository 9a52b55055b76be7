#include "mqtt/types.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "mqtt/testing.h"

namespace starling {
namespace {

TEST(Reason, HasTheNameOfTheSpecification) {
    EXPECT_STREQ(reason_name(Reason::Success), "success");
    EXPECT_STREQ(reason_name(Reason::QuotaExceeded), "quota exceeded");
    EXPECT_STREQ(reason_name(Reason::WildcardSubscriptionsNotSupported),
                 "wildcard subscriptions not supported");
    EXPECT_STREQ(reason_name(static_cast<Reason>(0x03)), "unknown reason");
}

TEST(Reason, IsCarriedByThePacketsOfItsLists) {
    struct Case {
        PacketType type;
        Sender sender;
        std::vector<unsigned> codes;
    };
    const Case cases[] = {
        {PacketType::Connack, Sender::Server, {0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86,
                                               0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97,
                                               0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F}},
        {PacketType::Puback,
         Sender::Client,
         {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}},
        {PacketType::Pubrec,
         Sender::Server,
         {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}},
        {PacketType::Pubrel, Sender::Client, {0x00, 0x92}},
        {PacketType::Pubcomp, Sender::Server, {0x00, 0x92}},
        {PacketType::Suback,
         Sender::Server,
         {0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2}},
        {PacketType::Unsuback, Sender::Server, {0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91}},
        {PacketType::Disconnect,
         Sender::Client,
         {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x8C, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98,
          0x99}},
        {PacketType::Disconnect,
         Sender::Server,
         {0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94,
          0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2}},
        {PacketType::Auth, Sender::Client, {0x18, 0x19}},
        {PacketType::Auth, Sender::Server, {0x00, 0x18}},
        {PacketType::Publish, Sender::Client, {}},
    };
    for (const Case& c : cases)
        for (unsigned code = 0; code < 256; ++code)
            EXPECT_EQ(may_carry(c.type, c.sender, static_cast<Reason>(code)),
                      std::count(c.codes.begin(), c.codes.end(), code) == 1)
                << int(c.type) << " code " << code;
}

}  // namespace
}  // namespace starling
