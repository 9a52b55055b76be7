#include <vector>

#include <gtest/gtest.h>

#include "mqtt/encode.h"
#include "mqtt/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

constexpr Version kVersions[] = {Version::V3, Version::V4, Version::V5};

TEST(EncodeSubscribe, WritesEachVersion) {
    const Subscribe subscribe{0x1234, 200, {{"a/+", Qos::ExactlyOnce, true, true, 2}, {"b"}}};
    ByteVector out;
    encode_subscribe(out, Version::V4, subscribe);
    EXPECT_EQ(out, wire("82 [1234 ('a/+') 02 ('b') 00]"));
    out.clear();
    encode_subscribe(out, Version::V5, subscribe);
    EXPECT_EQ(out, wire("82 [1234 [0B C801] ('a/+') 2E ('b') 00]"));
}

TEST(EncodeSubscribe, IsReadBack) {
    for (const Version version : kVersions)
        for (unsigned options = 0; options < 48; ++options) {
            const SubscribeFilter filter{"a/#", Qos(options % 3), (options & 4) != 0,
                                         (options & 8) != 0,
                                         static_cast<std::uint8_t>(options >> 4)};
            ByteVector out;
            encode_subscribe(out, version, {1, 0, {filter}});
            const auto read = decode_subscribe(*next_frame(out, kPacketBytesMax), version);
            ASSERT_TRUE(read);
            ASSERT_EQ(read->filters.size(), 1u);
            EXPECT_EQ(read->filters[0].filter, "a/#");
            EXPECT_EQ(read->filters[0].qos, filter.qos);
            if (version != Version::V5) continue;
            EXPECT_EQ(read->filters[0].no_local, filter.no_local);
            EXPECT_EQ(read->filters[0].retain_as_published, filter.retain_as_published);
            EXPECT_EQ(read->filters[0].retain_handling, filter.retain_handling);
        }
}

TEST(EncodeSuback, WritesEachVersion) {
    for (const char* id : {"MQTT-2.2.1-6", "MQTT-3.8.4-2", "MQTT-3.9.3-1", "MQTT311-3.9.3-2"})
        proves(id);
    const std::vector<Reason> reasons = {Reason::GrantedQos2, Reason::QuotaExceeded,
                                         Reason::Success, Reason::TopicFilterInvalid};
    ByteVector out;
    encode_suback(out, Version::V5, 0x1234, reasons);
    EXPECT_EQ(out, wire("90 [1234 [] 02 97 00 8F]"));
    for (const Version version : {Version::V3, Version::V4}) {
        out.clear();
        encode_suback(out, version, 0x1234, reasons);
        EXPECT_EQ(out, wire("90 [1234 02 80 00 80]"));
    }
}

TEST(EncodeUnsubscribe, IsReadBack) {
    for (const Version version : kVersions) {
        ByteVector out;
        encode_unsubscribe(out, version, {0x1234, {"a/+", "b"}});
        const auto read = decode_unsubscribe(*next_frame(out, kPacketBytesMax), version);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->packet_id, 0x1234);
        EXPECT_EQ(read->filters, (std::vector<std::string_view>{"a/+", "b"}));
    }
}

TEST(EncodeUnsuback, WritesEachVersion) {
    for (const char* id : {"MQTT-2.2.1-6", "MQTT-3.10.4-5", "MQTT-3.11.3-1", "MQTT311-3.10.4-5"})
        proves(id);
    const std::vector<Reason> reasons = {Reason::Success, Reason::NoSubscriptionExisted};
    ByteVector out;
    encode_unsuback(out, Version::V5, 0x1234, reasons);
    EXPECT_EQ(out, wire("B0 [1234 [] 00 11]"));
    out.clear();
    encode_unsuback(out, Version::V4, 0x1234, reasons);
    EXPECT_EQ(out, wire("B0 [1234]"));
}

TEST(EncodeSuback, IsReadBack) {
    for (const Version version : kVersions) {
        ByteVector out;
        encode_suback(out, version, 7, std::vector{Reason::GrantedQos1, Reason::UnspecifiedError});
        const auto granted = decode_suback(*next_frame(out, kPacketBytesMax), version);
        ASSERT_TRUE(granted);
        EXPECT_EQ(granted->packet_id, 7);
        EXPECT_EQ(granted->reasons, (std::vector{Reason::GrantedQos1, Reason::UnspecifiedError}));

        out.clear();
        encode_unsuback(out, version, 7, std::vector{Reason::Success});
        const auto removed = decode_suback(*next_frame(out, kPacketBytesMax), version);
        ASSERT_TRUE(removed);
        EXPECT_EQ(removed->reasons.size(), version == Version::V5 ? 1u : 0u);
    }
}

}  // namespace
}  // namespace starling
