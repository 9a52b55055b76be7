#include <gtest/gtest.h>

#include "mqtt/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

struct Case {
    const char* id;
    const char* what;
    const char* packet;
    Reason reason;
};

TEST(DecodeConnect, ReadsEveryField) {
    proves("MQTT-3.1.3-1");
    const ByteVector packet = wire(
        "10 [('MQTT') 05 EE 003C [21 000A] ('client') [18 00000005] ('will/topic') ('payload') "
        "('user') (00FF)]");
    const auto connect = decode_connect(*next_frame(packet, kPacketBytesMax));
    ASSERT_TRUE(connect);
    EXPECT_EQ(connect->version, Version::V5);
    EXPECT_TRUE(connect->clean_start);
    EXPECT_EQ(connect->keep_alive_s, 60);
    EXPECT_EQ(connect->properties.receive_maximum, 10);
    EXPECT_EQ(connect->client_id, "client");
    ASSERT_TRUE(connect->will);
    EXPECT_EQ(connect->will->qos, Qos::AtLeastOnce);
    EXPECT_TRUE(connect->will->retain);
    EXPECT_EQ(connect->will->properties.will_delay_interval_s, 5u);
    EXPECT_EQ(connect->will->topic, "will/topic");
    EXPECT_EQ(as_text(connect->will->payload), "payload");
    EXPECT_EQ(connect->user_name, "user");
    ASSERT_TRUE(connect->password);
    EXPECT_EQ(connect->password->size(), 2u);
}

TEST(DecodeConnect, ReadsTheLeast) {
    struct Least {
        const char* packet;
        Version version;
    };
    static constexpr Least cases[] = {
        {"10 [('MQIsdp') 03 00 0000 ('a')]", Version::V3},
        {"10 [('MQTT') 04 02 0000 ()]", Version::V4},
        {"10 [('MQTT') 05 00 0000 [] ()]", Version::V5},
    };
    for (const Least& c : cases) {
        const ByteVector packet = wire(c.packet);
        const auto connect = decode_connect(*next_frame(packet, kPacketBytesMax));
        ASSERT_TRUE(connect) << c.packet;
        EXPECT_EQ(connect->version, c.version);
        EXPECT_FALSE(connect->will || connect->user_name || connect->password);
        EXPECT_EQ(connect->properties.present, 0u);
    }
}

TEST(DecodeConnect, Accepts) {
    static constexpr Case cases[] = {
        {"", "password alone", "10 [('MQTT') 05 42 0000 [] () ('p')]", {}},
        {"", "will QoS 2", "10 [('MQTT') 05 16 0000 [] () [] ('w') ()]", {}},
        {"MQTT311-3.1.3-7", "no client id", "10 [('MQTT') 04 02 0000 ()]", {}},
        {"", "3.1: flags of a will without a will", "10 [('MQIsdp') 03 3A 0000 ('a')]", {}},
        {"", "3.1: announced user name missing", "10 [('MQIsdp') 03 C2 0000 ('a')]", {}},
        {"", "3.1: announced password missing", "10 [('MQIsdp') 03 C2 0000 ('a') ('u')]", {}},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet), c.reason) << c.id << ' ' << c.what;
    }
}

TEST(DecodeConnect, AcceptsClientIdsOfLettersAndDigits) {
    for (const char* id :
         {"0", "0123456789ABCDEFGHIJKLM", "NOPQRSTUVWXYZabcdefghij", "klmnopqrstuvwxyz"})
        EXPECT_EQ(judge("10 [('MQTT') 05 02 0000 [] ('" + std::string(id) + "')]"),
                  Reason::Success);
}

TEST(DecodeConnect, Rejects) {
    constexpr Reason kMalformed = Reason::MalformedPacket;
    constexpr Reason kUnsupported = Reason::UnsupportedProtocolVersion;
    static constexpr Case cases[] = {
        {"MQTT-3.1.2-1", "name", "10 [('MQTX') 05 02 0000 [] ()]", kUnsupported},
        {"MQTT-3.1.2-1", "name in lower case", "10 [('mqtt') 05 02 0000 [] ()]", kUnsupported},
        {"MQTT-3.1.2-1", "name of 3.1 at level 4", "10 [('MQIsdp') 04 02 0000 ('a')]",
         kUnsupported},
        {"MQTT-3.1.2-1", "name of 3.1.1 at level 3", "10 [('MQTT') 03 02 0000 ('a')]",
         kUnsupported},
        {"MQTT-1.5.4-1", "name not text", "10 [(FF) 05 02 0000 [] ()]", kMalformed},
        {"MQTT-3.1.2-2", "level 0", "10 [('MQTT') 00]", kUnsupported},
        {"MQTT-3.1.2-2", "level 6, and garbage after", "10 [('MQTT') 06 FF FF]", kUnsupported},
        {"MQTT311-3.1.2-2", "level 255", "10 [('MQTT') FF]", kUnsupported},
        {"MQTT-3.1.2-3", "reserved flag", "10 [('MQTT') 05 03 0000 [] ()]", kMalformed},
        {"MQTT-3.1.2-3", "reserved flag", "10 [('MQTT') 04 03 0000 ()]", kMalformed},
        {"MQTT-3.1.2-9", "no will properties", "10 [('MQTT') 05 06 0000 [] ()]", kMalformed},
        {"MQTT-3.1.2-9", "no will topic", "10 [('MQTT') 05 06 0000 [] () []]", kMalformed},
        {"MQTT-3.1.2-9", "no payload", "10 [('MQTT') 05 06 0000 [] () [] ('w')]", kMalformed},
        {"MQTT-3.1.2-9", "payload cut", "10 [('MQTT') 04 06 0000 () ('w') 0002 61]", kMalformed},
        {"MQTT-3.1.2-11", "will QoS alone", "10 [('MQTT') 05 0A 0000 [] ()]", kMalformed},
        {"MQTT-3.1.2-12", "will QoS 3", "10 [('MQTT') 05 1E 0000 [] () [] ('w') ()]", kMalformed},
        {"MQTT-3.1.2-12", "will QoS 3", "10 [('MQIsdp') 03 1E 0000 ('a') ('w') ()]", kMalformed},
        {"MQTT-3.1.2-13", "will retain alone", "10 [('MQTT') 04 22 0000 ()]", kMalformed},
        {"MQTT-3.1.2-16", "user name, no flag", "10 [('MQTT') 05 02 0000 [] () ('u')]", kMalformed},
        {"MQTT-3.1.2-17", "no user name", "10 [('MQTT') 05 82 0000 [] ()]", kMalformed},
        {"MQTT-3.1.2-17", "no user name", "10 [('MQTT') 04 82 0000 ()]", kMalformed},
        {"MQTT-3.1.2-18", "password, no flag", "10 [('MQTT') 05 82 0000 [] () () ()]", kMalformed},
        {"MQTT-3.1.2-19", "no password", "10 [('MQTT') 05 C2 0000 [] () ('u')]", kMalformed},
        {"MQTT311-3.1.2-22", "password alone", "10 [('MQTT') 04 42 0000 () ('p')]", kMalformed},
        {"", "password alone in 3.1", "10 [('MQIsdp') 03 42 0000 ('a') ('p')]", kMalformed},
        {"MQTT-3.1.3-3", "no client id", "10 [('MQTT') 05 02 0000 []]", kMalformed},
        {"MQTT-3.1.3-4", "client id not text", "10 [('MQTT') 05 02 0000 [] (C0)]", kMalformed},
        {"MQTT-1.5.4-2", "U+0000 in it", "10 [('MQTT') 05 02 0000 [] ('a' 00)]", kMalformed},
        {"MQTT311-3.1.3-8", "no id, not clean", "10 [('MQTT') 04 00 0000 ()]",
         Reason::ClientIdentifierNotValid},
        {"", "no id in 3.1", "10 [('MQIsdp') 03 02 0000 ()]", Reason::ClientIdentifierNotValid},
        {"MQTT-3.1.3-11", "will topic not text", "10 [('MQTT') 05 06 0000 [] () [] (FF) ()]",
         kMalformed},
        {"MQTT-4.7.0-1", "will topic a/#", "10 [('MQTT') 05 06 0000 [] () [] ('a/#') ()]",
         Reason::TopicNameInvalid},
        {"MQTT-4.7.3-1", "will topic empty", "10 [('MQTT') 05 06 0000 [] () [] () ()]",
         Reason::TopicNameInvalid},
        {"MQTT-3.1.3-12", "user name not text", "10 [('MQTT') 05 82 0000 [] () (80)]", kMalformed},
        {"MQTT311-1.5.3-1", "user name not text", "10 [('MQTT') 04 82 0000 () (80)]", kMalformed},
        {"MQTT-2.2.2-1", "no property length", "10 [('MQTT') 05 02 0000]", kMalformed},
        {"MQTT-3.1.4-1", "nothing", "10 []", kMalformed},
        {"MQTT-3.1.4-1", "a name alone", "10 [('MQTT')]", kMalformed},
        {"MQTT-3.1.4-1", "keep alive cut", "10 [('MQTT') 04 02 00]", kMalformed},
        {"MQTT-3.1.4-1", "a property of PUBLISH", "10 [('MQTT') 05 02 0000 [23 0001] ()]",
         kMalformed},
        {"MQTT-3.1.4-1", "will delay among the properties of CONNECT",
         "10 [('MQTT') 05 02 0000 [18 00000001] ()]", kMalformed},
        {"MQTT-3.1.4-1", "a property twice", "10 [('MQTT') 05 02 0000 [21 0001 21 0001] ()]",
         Reason::ProtocolError},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet), c.reason) << c.id << ' ' << c.what;
    }
}

TEST(DecodeConnect, SaysInWhichVersionToRefuse) {
    const auto version = [](const char* text) {
        const ByteVector packet = wire(text);
        return answer_version(*next_frame(packet, kPacketBytesMax));
    };
    EXPECT_EQ(version("10 [('MQIsdp') 03 03]"), Version::V4);
    EXPECT_EQ(version("10 [('MQTT') 04 03]"), Version::V4);
    EXPECT_EQ(version("10 [('MQTT') 05 03]"), Version::V5);
    EXPECT_EQ(version("10 [('MQTT') 06 02]"), Version::V5);
    EXPECT_EQ(version("10 [('MQTT')]"), Version::V4);
    EXPECT_EQ(version("10 []"), Version::V4);
}

TEST(DecodeConnack, Rejects) {
    struct Row {
        const char* id;
        const char* what;
        const char* packet;
        Version version;
        Reason reason;
    };
    static constexpr Row cases[] = {
        {"", "flags 2", "20 [02 00 []]", Version::V5, Reason::MalformedPacket},
        {"", "a session refused", "20 [01 87 []]", Version::V5, Reason::ProtocolError},
        {"", "a session refused", "20 [01 05]", Version::V4, Reason::ProtocolError},
        {"", "unlisted reason", "20 [00 8B []]", Version::V5, Reason::ProtocolError},
        {"", "unlisted return code", "20 [00 06]", Version::V4, Reason::ProtocolError},
        {"", "no properties", "20 [00 00]", Version::V5, Reason::MalformedPacket},
        {"", "bytes at the end", "20 [00 00 00]", Version::V4, Reason::MalformedPacket},
    };
    for (const Row& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet, c.version, Sender::Server), c.reason) << c.id << ' ' << c.what;
    }
}

}  // namespace
}  // namespace starling
