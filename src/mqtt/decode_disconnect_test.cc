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
    Sender sender;
    Reason reason;
};
constexpr Version kV4 = Version::V4, kV5 = Version::V5;
constexpr Sender kClient = Sender::Client, kServer = Sender::Server;

TEST(DecodeDisconnect, ReadsShortAndLongForms) {
    struct Form {
        const char* packet;
        Version version;
        Reason reason;
        std::uint32_t expiry;
    };
    static constexpr Form cases[] = {
        {"E0 []", kV4, Reason::Success, 0},
        {"E0 []", kV5, Reason::Success, 0},
        {"E0 [04]", kV5, Reason::DisconnectWithWill, 0},
        {"E0 [00 []]", kV5, Reason::Success, 0},
        {"E0 [00 [11 0000000A]]", kV5, Reason::Success, 10},
    };
    for (const Form& c : cases) {
        const ByteVector packet = wire(c.packet);
        const auto disconnect =
            decode_disconnect(*next_frame(packet, kPacketBytesMax), c.version, kClient);
        ASSERT_TRUE(disconnect) << c.packet;
        EXPECT_EQ(disconnect->reason, c.reason) << c.packet;
        EXPECT_EQ(disconnect->properties.session_expiry_interval_s, c.expiry) << c.packet;
    }
}

TEST(DecodeDisconnect, Rejects) {
    static constexpr Case cases[] = {
        {"", "a reason below version 5", "E0 [00]", kV4, kClient, Reason::MalformedPacket},
        {"", "bytes at the end", "E0 [00 [] 00]", kV5, kClient, Reason::MalformedPacket},
        {"MQTT-3.14.2-1", "0x01", "E0 [01]", kV5, kClient, Reason::ProtocolError},
        {"MQTT-3.14.2-1", "0x8B of a client", "E0 [8B]", kV5, kClient, Reason::ProtocolError},
        {"MQTT-3.14.2-1", "0x04 of a server", "E0 [04]", kV5, kServer, Reason::ProtocolError},
        {"", "session expiry of a server", "E0 [8B [11 00000001]]", kV5, kServer,
         Reason::ProtocolError},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet, c.version, c.sender), c.reason) << c.id << ' ' << c.what;
    }
}

TEST(DecodeAuth, IsJudged) {
    static constexpr Case cases[] = {
        {"", "the short form", "F0 []", kV5, kServer, Reason::Success},
        {"", "a step", "F0 [18 [15 ('m') 16 ('d')]]", kV5, kClient, Reason::Success},
        {"", "no property length", "F0 [18]", kV5, kClient, Reason::MalformedPacket},
        {"", "no method", "F0 [18 []]", kV5, kClient, Reason::ProtocolError},
        {"", "bytes at the end", "F0 [18 [15 ('m')] 00]", kV5, kClient, Reason::MalformedPacket},
        {"MQTT-3.15.2-1", "0x80", "F0 [80 [15 ('m')]]", kV5, kClient, Reason::ProtocolError},
        {"MQTT-3.15.2-1", "success of a client", "F0 [00 [15 ('m')]]", kV5, kClient,
         Reason::ProtocolError},
        {"MQTT-3.15.2-1", "0x19 of a server", "F0 [19 [15 ('m')]]", kV5, kServer,
         Reason::ProtocolError},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(judge(c.packet, c.version, c.sender), c.reason) << c.id << ' ' << c.what;
    }
}

}  // namespace
}  // namespace starling
