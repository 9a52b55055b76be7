#include <gtest/gtest.h>

#include "mqtt/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

TEST(DecodePublish, ReadsEveryField) {
    const ByteVector packet =
        wire("3D [('a/b') 1234 [02 0000003C 23 0007 26 ('n') ('v')] 'payload']");
    const auto publish =
        decode_publish(*next_frame(packet, kPacketBytesMax), Version::V5, Sender::Client);
    ASSERT_TRUE(publish);
    EXPECT_EQ(publish->qos, Qos::ExactlyOnce);
    EXPECT_TRUE(publish->dup);
    EXPECT_TRUE(publish->retain);
    EXPECT_EQ(publish->packet_id, 0x1234);
    EXPECT_EQ(publish->topic_alias, 7);
    EXPECT_EQ(publish->expiry_interval_s, 60u);
    EXPECT_EQ(publish->topic, "a/b");
    EXPECT_EQ(as_text(publish->properties), as_text(wire("02 0000003C 23 0007 26 ('n') ('v')")));
    EXPECT_EQ(as_text(publish->payload), "payload");
}

TEST(DecodePublish, ReadsTheLeast) {
    const ByteVector packet = wire("30 [('a')]");
    const auto publish =
        decode_publish(*next_frame(packet, kPacketBytesMax), Version::V4, Sender::Client);
    ASSERT_TRUE(publish);
    EXPECT_EQ(publish->qos, Qos::AtMostOnce);
    EXPECT_FALSE(publish->dup || publish->retain);
    EXPECT_EQ(publish->packet_id, 0);
    EXPECT_EQ(publish->topic_alias, 0);
    EXPECT_EQ(publish->expiry_interval_s, kNoMessageExpiry);
    EXPECT_EQ(publish->topic, "a");
    EXPECT_TRUE(publish->payload.empty());
}

// The payload would begin two bytes early or late.
TEST(DecodePublish, TakesAPacketIdentifierOnlyAboveQos0) {
    proves("MQTT-2.2.1-2");
    for (const auto& [text, payload] :
         {std::pair{"30 [('a') 0001 'x']", 3u}, std::pair{"32 [('a') 0001 'x']", 1u},
          std::pair{"34 [('a') 0001 'x']", 1u}}) {
        const ByteVector packet = wire(text);
        const auto publish =
            decode_publish(*next_frame(packet, kPacketBytesMax), Version::V4, Sender::Client);
        ASSERT_TRUE(publish);
        EXPECT_EQ(publish->payload.size(), payload) << text;
    }
}

struct Case {
    const char* id;
    const char* what;
    const char* packet;
    Version version;
    Reason reason;
};
constexpr Version kV3 = Version::V3, kV4 = Version::V4, kV5 = Version::V5;
constexpr Reason kMalformed = Reason::MalformedPacket;

TEST(DecodePublish, Accepts) {
    static constexpr Case cases[] = {
        {"MQTT-4.7.3-1", "an empty topic with an alias", "30 [() [23 0001]]", kV5, {}},
        {"", "the largest alias", "30 [() [23 FFFF]]", kV5, {}},
        {"MQTT-1.5.4-3", "a byte order mark", "30 [(EFBBBF 'a') []]", kV5, {}},
        {"MQTT311-1.5.3-3", "a byte order mark", "30 [(EFBBBF 'a')]", kV4, {}},
        {"", "a name that starts with $share", "30 [('$share/g/a') []]", kV5, {}},
        {"", "any payload", "30 [('a') [] 00FFC0]", kV5, {}},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet, c.version), c.reason) << c.id << ' ' << c.what;
    }
}

TEST(DecodePublish, AcceptsTheLongestTopic) {
    proves("MQTT-4.7.3-3");
    const std::string longest = "30 [('" + std::string(65'535, 'a') + "')]";
    EXPECT_EQ(judge(longest, kV4), Reason::Success);
}

TEST(DecodePublish, Rejects) {
    static constexpr Case cases[] = {
        {"MQTT-3.3.1-2", "DUP at QoS 0", "38 [('a') []]", kV5, kMalformed},
        {"MQTT-3.3.1-4", "QoS 3", "36 [('a') 0001 []]", kV5, kMalformed},
        {"MQTT-3.3.1-4", "QoS 3", "36 [('a') 0001]", kV4, kMalformed},
        {"MQTT-3.3.2-1", "no topic", "30 []", kV4, kMalformed},
        {"MQTT-3.3.2-1", "a topic cut short", "30 [0003 'ab']", kV4, kMalformed},
        {"MQTT-3.3.2-1", "a topic not text", "30 [(ED A0 80) []]", kV5, kMalformed},
        {"MQTT311-1.5.3-1", "a topic not text", "30 [(C0 AF)]", kV4, kMalformed},
        {"MQTT-4.7.3-2", "U+0000 in a topic", "30 [('a' 00) []]", kV5, kMalformed},
        {"MQTT311-1.5.3-2", "U+0000 in a topic", "30 [('a' 00)]", kV3, kMalformed},
        {"MQTT-3.3.2-2", "+ in a topic", "30 [('a/+') []]", kV5, Reason::TopicNameInvalid},
        {"MQTT-3.3.2-2", "# in a topic", "32 [('a#') 0001]", kV4, Reason::TopicNameInvalid},
        {"MQTT-4.7.0-1", "# alone", "30 [('#') []]", kV5, Reason::TopicNameInvalid},
        {"MQTT-4.7.3-1", "an empty topic", "30 [() []]", kV5, Reason::ProtocolError},
        {"MQTT-4.7.3-1", "an empty topic", "30 [()]", kV4, Reason::ProtocolError},
        {"MQTT-2.2.1-3", "identifier 0", "32 [('a') 0000 []]", kV5, Reason::ProtocolError},
        {"MQTT311-2.3.1-1", "identifier 0", "34 [('a') 0000]", kV4, Reason::ProtocolError},
        {"", "identifier cut short", "32 [('a') 00]", kV4, kMalformed},
        {"MQTT-2.2.2-1", "no property length", "30 [('a')]", kV5, kMalformed},
        {"MQTT-3.3.2-8", "alias 0", "30 [('a') [23 0000]]", kV5, Reason::TopicAliasInvalid},
        {"MQTT-3.3.4-6", "a subscription id", "30 [('a') [0B 01]]", kV5, Reason::ProtocolError},
        {"MQTT-3.3.2-13", "response topic", "30 [('a') [08 (FF)]]", kV5, kMalformed},
        {"MQTT-3.3.2-14", "response topic", "30 [('a') [08 ('+')]]", kV5, Reason::TopicNameInvalid},
        {"", "alias twice", "30 [('a') [23 0001 23 0001]]", kV5, Reason::ProtocolError},
        {"", "expiry twice", "30 [('a') [02 00000001 02 00000001]]", kV5, Reason::ProtocolError},
        {"", "a property of CONNECT", "30 [('a') [21 0001]]", kV5, kMalformed},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet, c.version), c.reason) << c.id << ' ' << c.what;
    }
}

TEST(DecodePublish, TakesSubscriptionIdentifiersFromAServer) {
    EXPECT_EQ(judge("30 [('a') [0B 01 0B 02]]", kV5, Sender::Server), Reason::Success);
    EXPECT_EQ(judge("30 [('a') [0B 00]]", kV5, Sender::Server), Reason::ProtocolError);
}

TEST(DecodeAck, ReadsShortAndLongForms) {
    struct Form {
        const char* packet;
        Version version;
        Reason reason;
        const char* reason_string;
    };
    static constexpr Form cases[] = {
        {"40 [1234]", kV3, Reason::Success, ""},
        {"50 [1234]", kV4, Reason::Success, ""},
        {"62 [1234]", kV5, Reason::Success, ""},
        {"70 [1234 92]", kV5, Reason::PacketIdentifierNotFound, ""},
        {"40 [1234 10 []]", kV5, Reason::NoMatchingSubscribers, ""},
        {"50 [1234 97 [1F ('full') 26 ('n') ('v')]]", kV5, Reason::QuotaExceeded, "full"},
    };
    for (const Form& c : cases) {
        const ByteVector packet = wire(c.packet);
        const auto ack = decode_ack(*next_frame(packet, kPacketBytesMax), c.version);
        ASSERT_TRUE(ack) << c.packet;
        EXPECT_EQ(ack->packet_id, 0x1234) << c.packet;
        EXPECT_EQ(ack->reason, c.reason) << c.packet;
        EXPECT_EQ(ack->reason_string, c.reason_string) << c.packet;
    }
}

TEST(DecodeAck, Rejects) {
    static constexpr Case cases[] = {
        {"MQTT-2.2.1-3", "identifier 0", "40 [0000]", kV5, Reason::ProtocolError},
        {"MQTT311-2.3.1-1", "identifier 0", "40 [0000]", kV4, Reason::ProtocolError},
        {"", "nothing", "40 []", kV5, kMalformed},
        {"", "half an identifier", "40 [00]", kV4, kMalformed},
        {"", "a reason below version 5", "40 [0001 00]", kV4, kMalformed},
        {"", "bytes after the properties", "40 [0001 00 [] 00]", kV5, kMalformed},
        {"", "properties cut short", "40 [0001 00 05 1F]", kV5, kMalformed},
        {"MQTT-3.4.2-1", "PUBACK 0x03", "40 [0001 03]", kV5, Reason::ProtocolError},
        {"MQTT-3.4.2-1", "PUBACK 0x92", "40 [0001 92]", kV5, Reason::ProtocolError},
        {"MQTT-3.5.2-1", "PUBREC 0x92", "50 [0001 92]", kV5, Reason::ProtocolError},
        {"MQTT-3.6.2-1", "PUBREL 0x80", "62 [0001 80]", kV5, Reason::ProtocolError},
        {"MQTT-3.7.2-1", "PUBCOMP 0x10", "70 [0001 10]", kV5, Reason::ProtocolError},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet, c.version), c.reason) << c.id << ' ' << c.what;
    }
}

}  // namespace
}  // namespace starling
