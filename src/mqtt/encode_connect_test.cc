#include <gtest/gtest.h>

#include "mqtt/encode.h"
#include "mqtt/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

constexpr Version kVersions[] = {Version::V3, Version::V4, Version::V5};

Connect full_connect(Version version) {
    Connect connect{.version = version, .clean_start = false, .keep_alive_s = 300};
    connect.client_id = "client";
    connect.will = WillPacket{Qos::ExactlyOnce, true, "will/topic", as_bytes("bye"), {}};
    connect.user_name = "user";
    connect.password = as_bytes("secret");
    return connect;
}

TEST(EncodeConnect, IsReadBack) {
    for (const Version version : kVersions) {
        PropertyWriter properties, will_properties;
        properties.add_u32(Property::SessionExpiryInterval, 60);
        will_properties.add_u32(Property::WillDelayInterval, 5);
        const Connect connect = full_connect(version);
        ByteVector out;
        encode_connect(out, connect, properties, will_properties);

        const auto frame = next_frame(out, kPacketBytesMax);
        ASSERT_TRUE(frame);
        ASSERT_EQ(frame->size, out.size());
        const auto read = decode_connect(*frame);
        ASSERT_TRUE(read) << read.error().text;
        EXPECT_EQ(read->version, version);
        EXPECT_FALSE(read->clean_start);
        EXPECT_EQ(read->keep_alive_s, 300);
        EXPECT_EQ(read->client_id, "client");
        ASSERT_TRUE(read->will);
        EXPECT_EQ(read->will->qos, Qos::ExactlyOnce);
        EXPECT_TRUE(read->will->retain);
        EXPECT_EQ(read->will->topic, "will/topic");
        EXPECT_EQ(as_text(read->will->payload), "bye");
        EXPECT_EQ(read->user_name, "user");
        EXPECT_EQ(as_text(*read->password), "secret");
        const bool has_properties = version == Version::V5;
        EXPECT_EQ(read->properties.session_expiry_interval_s, has_properties ? 60u : 0u);
        EXPECT_EQ(read->will->properties.will_delay_interval_s, has_properties ? 5u : 0u);
    }
}

TEST(EncodeConnect, WritesTheLeast) {
    Connect connect{.version = Version::V4};
    ByteVector out;
    encode_connect(out, connect, {}, {});
    EXPECT_EQ(out, wire("10 [('MQTT') 04 02 0000 ()]"));
    connect.version = Version::V3;
    connect.client_id = "a";
    out.clear();
    encode_connect(out, connect, {}, {});
    EXPECT_EQ(out, wire("10 [('MQIsdp') 03 02 0000 ('a')]"));
}

TEST(EncodeConnack, WritesEachVersion) {
    struct Case {
        const char* id;
        Version version;
        bool session_present;
        Reason reason;
        const char* packet;
    };
    static constexpr Case cases[] = {
        {"MQTT-2.2.2-1", Version::V5, false, Reason::Success, "20 [00 00 []]"},
        {"MQTT-3.2.2-1", Version::V5, true, Reason::Success, "20 [01 00 []]"},
        {"MQTT-3.2.2-6", Version::V5, true, Reason::NotAuthorized, "20 [00 87 []]"},
        {"MQTT311-3.2.2-4", Version::V4, true, Reason::NotAuthorized, "20 [00 05]"},
        {"MQTT311-3.2.2-2", Version::V4, true, Reason::Success, "20 [01 00]"},
        {"", Version::V3, true, Reason::Success, "20 [00 00]"},
        {"MQTT311-3.1.2-2", Version::V4, false, Reason::UnsupportedProtocolVersion, "20 [00 01]"},
        {"MQTT311-3.1.3-8", Version::V4, false, Reason::ClientIdentifierNotValid, "20 [00 02]"},
        {"", Version::V3, false, Reason::ServerUnavailable, "20 [00 03]"},
        {"", Version::V4, false, Reason::ServerBusy, "20 [00 03]"},
        {"", Version::V4, false, Reason::ServerShuttingDown, "20 [00 03]"},
        {"", Version::V4, false, Reason::QuotaExceeded, "20 [00 03]"},
        {"", Version::V4, false, Reason::ConnectionRateExceeded, "20 [00 03]"},
        {"", Version::V4, false, Reason::BadUserNameOrPassword, "20 [00 04]"},
        {"", Version::V4, false, Reason::Banned, "20 [00 05]"},
        {"", Version::V4, false, Reason::BadAuthenticationMethod, "20 [00 05]"},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        ByteVector out;
        encode_connack(out, c.version, c.session_present, c.reason, {});
        EXPECT_EQ(out, wire(c.packet)) << c.id << ' ' << c.packet;
    }
}

TEST(EncodeConnack, IsReadBack) {
    for (const Version version : kVersions)
        for (const Reason reason :
             {Reason::Success, Reason::UnsupportedProtocolVersion, Reason::ClientIdentifierNotValid,
              Reason::ServerUnavailable, Reason::BadUserNameOrPassword, Reason::NotAuthorized}) {
            PropertyWriter properties;
            properties.add_u16(Property::ReceiveMaximum, 7);
            ByteVector out;
            encode_connack(out, version, false, reason, properties, {.reason_string = "why"});
            const auto read = decode_connack(*next_frame(out, kPacketBytesMax), version);
            ASSERT_TRUE(read);
            EXPECT_EQ(read->reason, reason);
            if (version != Version::V5) continue;
            EXPECT_EQ(read->properties.receive_maximum, 7);
            EXPECT_EQ(read->properties.reason_string, "why");
        }
}

TEST(EncodeConnack, LeavesOutAReasonStringThatDoesNotFit) {
    proves("MQTT-3.2.2-19");
    const ByteVector with = wire("20 [00 87 [1F ('why')]]");
    const ByteVector without = wire("20 [00 87 []]");
    for (const std::size_t most : {with.size(), with.size() - 1, without.size(), std::size_t{1}}) {
        ByteVector out = wire("AA");
        encode_connack(out, Version::V5, false, Reason::NotAuthorized, {},
                       {"why", static_cast<std::uint32_t>(most)});
        out.erase(out.begin());
        EXPECT_EQ(out, most < with.size() ? without : with) << most;
    }
}

}  // namespace
}  // namespace starling
