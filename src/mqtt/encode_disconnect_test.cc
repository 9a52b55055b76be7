#include <gtest/gtest.h>

#include "mqtt/encode.h"
#include "mqtt/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

TEST(EncodePing, IsTwoBytes) {
    ByteVector out;
    encode_pingreq(out);
    encode_pingresp(out);
    EXPECT_EQ(out, wire("C000 D000"));
}

TEST(EncodeDisconnect, TakesItsShortestForm) {
    PropertyWriter expiry;
    expiry.add_u32(Property::SessionExpiryInterval, 10);
    struct Case {
        Version version;
        Reason reason;
        PropertyWriter properties;
        const char* reason_string;
        const char* packet;
    };
    const Case cases[] = {
        {Version::V4, Reason::Success, expiry, "bye", "E0 []"},
        {Version::V5, Reason::Success, {}, "", "E0 []"},
        {Version::V5, Reason::DisconnectWithWill, {}, "", "E0 [04]"},
        {Version::V5, Reason::Success, expiry, "", "E0 [00 [11 0000000A]]"},
        {Version::V5, Reason::ServerShuttingDown, {}, "bye", "E0 [8B [1F ('bye')]]"},
        {Version::V5, Reason::Success, expiry, "bye", "E0 [00 [11 0000000A 1F ('bye')]]"},
    };
    for (const Case& c : cases) {
        ByteVector out;
        encode_disconnect(out, c.version, c.reason, c.properties, {c.reason_string});
        EXPECT_EQ(out, wire(c.packet)) << c.packet;
    }
}

TEST(EncodeDisconnect, LeavesOutAReasonStringThatDoesNotFit) {
    proves("MQTT-3.14.2-3");
    ByteVector out;
    encode_disconnect(out, Version::V5, Reason::ProtocolError, {}, {"why", 10});
    EXPECT_EQ(out, wire("E0 [82 [1F ('why')]]"));
    out.clear();
    encode_disconnect(out, Version::V5, Reason::ProtocolError, {}, {"why", 9});
    EXPECT_EQ(out, wire("E0 [82]"));
}

TEST(EncodeDisconnect, IsReadBack) {
    for (unsigned code = 0; code < 256; ++code) {
        const auto reason = static_cast<Reason>(code);
        if (!may_carry(PacketType::Disconnect, Sender::Server, reason)) continue;
        ByteVector out;
        encode_disconnect(out, Version::V5, reason, {}, {"why"});
        const auto read =
            decode_disconnect(*next_frame(out, kPacketBytesMax), Version::V5, Sender::Server);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->reason, reason);
        EXPECT_EQ(read->properties.reason_string, "why");
    }
}

TEST(EncodeAuth, IsReadBack) {
    PropertyWriter properties;
    properties.add_string(Property::AuthenticationMethod, "method");
    properties.add_binary(Property::AuthenticationData, as_bytes("data"));
    ByteVector out;
    encode_auth(out, Reason::ContinueAuthentication, properties);
    const auto read = decode_auth(*next_frame(out, kPacketBytesMax), Sender::Server);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->reason, Reason::ContinueAuthentication);
    EXPECT_EQ(read->properties.authentication_method, "method");
    EXPECT_EQ(as_text(read->properties.authentication_data), "data");

    out.clear();
    encode_auth(out, Reason::Success, {});
    EXPECT_EQ(out, wire("F0 []"));
}

}  // namespace
}  // namespace starling
