#include <gtest/gtest.h>

#include "mqtt/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

struct Case {
    const char* id;
    const char* what;
    const char* packet;
    Version version;
    Reason reason;
};
constexpr Version kV3 = Version::V3, kV4 = Version::V4, kV5 = Version::V5;
constexpr Reason kMalformed = Reason::MalformedPacket;

TEST(DecodeSubscribe, ReadsEveryField) {
    const ByteVector packet = wire("82 [1234 [0B 7F] ('a/+') 2E ('$share/g/b') 11]");
    const auto subscribe = decode_subscribe(*next_frame(packet, kPacketBytesMax), kV5);
    ASSERT_TRUE(subscribe);
    EXPECT_EQ(subscribe->packet_id, 0x1234);
    EXPECT_EQ(subscribe->subscription_identifier, 127u);
    ASSERT_EQ(subscribe->filters.size(), 2u);

    const SubscribeFilter& first = subscribe->filters[0];
    EXPECT_EQ(first.filter, "a/+");
    EXPECT_EQ(first.qos, Qos::ExactlyOnce);
    EXPECT_TRUE(first.no_local);
    EXPECT_TRUE(first.retain_as_published);
    EXPECT_EQ(first.retain_handling, 2);

    const SubscribeFilter& second = subscribe->filters[1];
    EXPECT_EQ(second.filter, "$share/g/b");
    EXPECT_EQ(second.qos, Qos::AtLeastOnce);
    EXPECT_FALSE(second.no_local || second.retain_as_published);
    EXPECT_EQ(second.retain_handling, 1);
}

TEST(DecodeSubscribe, Rejects) {
    constexpr Reason kBadFilter = Reason::TopicFilterInvalid;
    static constexpr Case cases[] = {
        {"MQTT-2.2.1-3", "identifier 0", "82 [0000 [] ('a') 00]", kV5, Reason::ProtocolError},
        {"MQTT311-2.3.1-1", "identifier 0", "82 [0000 ('a') 00]", kV4, Reason::ProtocolError},
        {"MQTT-2.2.2-1", "no property length", "82 [0001]", kV5, kMalformed},
        {"MQTT-3.8.3-2", "no filter", "82 [0001 []]", kV5, Reason::ProtocolError},
        {"MQTT-3.8.3-2", "no filter", "82 [0001]", kV4, Reason::ProtocolError},
        {"MQTT-3.8.3-1", "a filter not text", "82 [0001 [] (80) 00]", kV5, kMalformed},
        {"MQTT-4.7.3-2", "U+0000 in a filter", "82 [0001 [] (00) 00]", kV5, kMalformed},
        {"", "a filter cut short", "82 [0001 0005 'a']", kV4, kMalformed},
        {"", "no options", "82 [0001 ('a')]", kV4, kMalformed},
        {"MQTT-3.8.3-5", "option bit 6", "82 [0001 [] ('a') 40]", kV5, kMalformed},
        {"MQTT-3.8.3-5", "option bit 7", "82 [0001 [] ('a') 80]", kV5, kMalformed},
        {"", "QoS 3", "82 [0001 [] ('a') 03]", kV5, Reason::ProtocolError},
        {"", "retain handling 3", "82 [0001 [] ('a') 30]", kV5, Reason::ProtocolError},
        {"MQTT311-3.8.3-4", "QoS 3", "82 [0001 ('a') 03]", kV4, kMalformed},
        {"MQTT311-3.8.3-4", "no local", "82 [0001 ('a') 04]", kV4, kMalformed},
        {"MQTT311-3.8.3-4", "reserved bit", "82 [0001 ('a') 80]", kV3, kMalformed},
        {"MQTT-3.8.3-4", "no local on a shared filter", "82 [0001 [] ('$share/g/a') 04]", kV5,
         Reason::ProtocolError},
        {"MQTT-4.7.3-1", "an empty filter", "82 [0001 [] () 00]", kV5, kBadFilter},
        {"MQTT-4.7.1-1", "#/a", "82 [0001 [] ('#/a') 00]", kV5, kBadFilter},
        {"MQTT-4.7.1-2", "a+", "82 [0001 ('a+') 00]", kV4, kBadFilter},
        {"MQTT-4.8.2-1", "no share name", "82 [0001 [] ('$share//a') 00]", kV5, kBadFilter},
        {"MQTT-4.8.2-2", "a wildcard in it", "82 [0001 [] ('$share/+/a') 00]", kV5, kBadFilter},
        {"MQTT-4.8.2-2", "no filter after it", "82 [0001 ('$share/g/') 00]", kV4, kBadFilter},
        {"MQTT-4.7.1-1", "the second of two", "82 [0001 ('a') 00 ('a#') 00]", kV4, kBadFilter},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet, c.version), c.reason) << c.id << ' ' << c.what;
    }
}

TEST(DecodeUnsubscribe, ReadsEveryField) {
    const ByteVector packet = wire("A2 [1234 [26 ('n') ('v')] ('a/+') ('b')]");
    const auto unsubscribe = decode_unsubscribe(*next_frame(packet, kPacketBytesMax), kV5);
    ASSERT_TRUE(unsubscribe);
    EXPECT_EQ(unsubscribe->packet_id, 0x1234);
    EXPECT_EQ(unsubscribe->filters, (std::vector<std::string_view>{"a/+", "b"}));
}

TEST(DecodeUnsubscribe, Rejects) {
    static constexpr Case cases[] = {
        {"MQTT-2.2.1-3", "identifier 0", "A2 [0000 [] ('a')]", kV5, Reason::ProtocolError},
        {"MQTT-3.10.3-2", "no filter", "A2 [0001 []]", kV5, Reason::ProtocolError},
        {"MQTT-3.10.3-2", "no filter", "A2 [0001]", kV4, Reason::ProtocolError},
        {"MQTT-3.10.3-1", "a filter not text", "A2 [0001 [] (FF)]", kV5, kMalformed},
        {"MQTT-4.7.3-1", "an empty filter", "A2 [0001 ()]", kV4, Reason::TopicFilterInvalid},
        {"", "a subscription identifier", "A2 [0001 [0B 01] ('a')]", kV5, kMalformed},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet, c.version), c.reason) << c.id << ' ' << c.what;
    }
}

TEST(DecodeSuback, Rejects) {
    static constexpr Case cases[] = {
        {"", "no code", "90 [0001 []]", kV5, Reason::ProtocolError},
        {"", "SUBACK 0x03", "90 [0001 [] 03]", kV5, Reason::ProtocolError},
        {"", "SUBACK 0x03", "90 [0001 00 03]", kV4, Reason::ProtocolError},
        {"", "SUBACK 0x87", "90 [0001 87]", kV4, Reason::ProtocolError},
        {"", "UNSUBACK 0x01", "B0 [0001 [] 01]", kV5, Reason::ProtocolError},
        {"", "UNSUBACK with a code", "B0 [0001 00]", kV4, kMalformed},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet, c.version, Sender::Server), c.reason) << c.id << ' ' << c.what;
    }
}

}  // namespace
}  // namespace starling
