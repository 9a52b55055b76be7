#include <array>
#include <string>

#include <gtest/gtest.h>

#include "mqtt/encode.h"
#include "mqtt/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

ByteVector packet(const PublishHead& head, Bytes payload) {
    const PublishSize size = publish_size(head);
    EXPECT_EQ(size.whole, size.head + payload.size());
    ByteVector out(size.whole);
    std::byte* at = write_publish_head(head, out.data());
    EXPECT_EQ(at, out.data() + size.head);
    store_bytes(at, payload);
    return out;
}

TEST(WritePublishHead, WritesEachVersion) {
    static constexpr std::array<std::uint32_t, 2> ids = {5, 300};
    const ByteVector forwarded = wire("26 ('n') ('v')");
    struct Case {
        const char* id;
        PublishHead head;
        const char* packet;
    };
    const Case cases[] = {
        {"MQTT-2.2.1-2", {.version = Version::V3, .packet_id = 9, .topic = "a"}, "30 [('a') 'x']"},
        {"", {.qos = Qos::AtLeastOnce, .packet_id = 9, .topic = "a"}, "32 [('a') 0009 'x']"},
        {"MQTT-3.3.1-2", {.dup = true, .retain = true, .topic = "a"}, "31 [('a') 'x']"},
        {"",
         {.qos = Qos::ExactlyOnce, .dup = true, .packet_id = 9, .topic = "a"},
         "3C [('a') 0009 'x']"},
        {"",
         {.topic_alias = 1,
          .expiry_interval_s = 2,
          .topic = "a",
          .forwarded = forwarded,
          .subscription_identifiers = ids},
         "30 [('a') 'x']"},
        {"MQTT-2.2.2-1", {.version = Version::V5, .topic = "a"}, "30 [('a') [] 'x']"},
        {"MQTT-3.3.4-4",
         {.version = Version::V5,
          .qos = Qos::AtLeastOnce,
          .packet_id = 9,
          .topic_alias = 1,
          .expiry_interval_s = 2,
          .forwarded = forwarded,
          .subscription_identifiers = ids},
         "32 [() 0009 [23 0001 02 00000002 0B 05 0B AC02 26 ('n') ('v')] 'x']"},
    };
    for (Case c : cases) {
        if (*c.id) proves(c.id);
        c.head.payload_size = 1;
        EXPECT_EQ(packet(c.head, as_bytes("x")), wire(c.packet)) << c.id << ' ' << c.packet;
    }
}

TEST(WritePublishHead, IsReadBackAtEverySize) {
    for (const Version version : {Version::V3, Version::V4, Version::V5})
        for (const std::size_t size : {0u, 120u, 128u, 16'380u, 16'384u, 2'097'152u}) {
            const std::string payload(size, 'p');
            const PublishHead head{.version = version,
                                   .qos = Qos::ExactlyOnce,
                                   .retain = true,
                                   .packet_id = 65'535,
                                   .expiry_interval_s = 60,
                                   .topic = "a/b",
                                   .payload_size = size};
            const ByteVector out = packet(head, as_bytes(payload));
            const auto frame = next_frame(out, kPacketBytesMax);
            ASSERT_TRUE(frame);
            ASSERT_EQ(frame->size, out.size());
            const auto read = decode_publish(*frame, version, Sender::Server);
            ASSERT_TRUE(read);
            EXPECT_EQ(read->qos, Qos::ExactlyOnce);
            EXPECT_TRUE(read->retain);
            EXPECT_EQ(read->packet_id, 65'535);
            EXPECT_EQ(read->topic, "a/b");
            EXPECT_EQ(read->expiry_interval_s, version == Version::V5 ? 60 : kNoMessageExpiry);
            EXPECT_EQ(as_text(read->payload), payload);
        }
}

TEST(EncodeAck, TakesItsShortestForm) {
    struct Case {
        const char* id;
        Version version;
        PacketType type;
        Reason reason;
        const char* reason_string;
        const char* packet;
    };
    constexpr Reason kFull = Reason::QuotaExceeded;
    static constexpr Case cases[] = {
        {"MQTT-2.2.1-5", Version::V4, PacketType::Puback, {}, "", "40 [1234]"},
        {"MQTT-2.2.1-5", Version::V5, PacketType::Pubrec, {}, "", "50 [1234]"},
        {"MQTT-3.6.1-1", Version::V5, PacketType::Pubrel, {}, "", "62 [1234]"},
        {"MQTT-3.6.1-1", Version::V3, PacketType::Pubrel, {}, "", "62 [1234]"},
        {"MQTT-2.2.1-5", Version::V5, PacketType::Pubcomp, {}, "", "70 [1234]"},
        {"", Version::V4, PacketType::Puback, kFull, "full", "40 [1234]"},
        {"", Version::V5, PacketType::Puback, kFull, "", "40 [1234 97]"},
        {"", Version::V5, PacketType::Pubrec, kFull, "full", "50 [1234 97 [1F ('full')]]"},
        {"", Version::V5, PacketType::Pubrec, {}, "fine", "50 [1234 00 [1F ('fine')]]"},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        ByteVector out;
        encode_ack(out, c.version, c.type, 0x1234, c.reason, {c.reason_string});
        EXPECT_EQ(out, wire(c.packet)) << c.id << ' ' << c.packet;
    }
}

TEST(EncodeAck, LeavesOutAReasonStringThatDoesNotFit) {
    struct Case {
        const char* id;
        PacketType type;
        const char* with;
        const char* without;
    };
    static constexpr Case cases[] = {
        {"MQTT-3.4.2-2", PacketType::Puback, "40 [0001 97 [1F ('why')]]", "40 [0001 97]"},
        {"MQTT-3.5.2-2", PacketType::Pubrec, "50 [0001 97 [1F ('why')]]", "50 [0001 97]"},
        {"MQTT-3.6.2-2", PacketType::Pubrel, "62 [0001 97 [1F ('why')]]", "62 [0001 97]"},
        {"MQTT-3.7.2-2", PacketType::Pubcomp, "70 [0001 97 [1F ('why')]]", "70 [0001 97]"},
    };
    for (const Case& c : cases) {
        proves(c.id);
        const ByteVector with = wire(c.with);
        const auto fits = static_cast<std::uint32_t>(with.size());
        ByteVector out;
        encode_ack(out, Version::V5, c.type, 1, Reason::QuotaExceeded, {"why", fits});
        EXPECT_EQ(out, with) << c.id;
        out.clear();
        encode_ack(out, Version::V5, c.type, 1, Reason::QuotaExceeded, {"why", fits - 1});
        EXPECT_EQ(out, wire(c.without)) << c.id;
    }
}

TEST(EncodeAck, IsReadBack) {
    for (const PacketType type :
         {PacketType::Puback, PacketType::Pubrec, PacketType::Pubrel, PacketType::Pubcomp})
        for (unsigned code = 0; code < 256; ++code) {
            const auto reason = static_cast<Reason>(code);
            if (!may_carry(type, Sender::Server, reason)) continue;
            ByteVector out;
            encode_ack(out, Version::V5, type, 7, reason, {"why"});
            const auto read = decode_ack(*next_frame(out, kPacketBytesMax), Version::V5);
            ASSERT_TRUE(read);
            EXPECT_EQ(read->packet_id, 7);
            EXPECT_EQ(read->reason, reason);
            EXPECT_EQ(read->reason_string, "why");
        }
}

}  // namespace
}  // namespace starling
