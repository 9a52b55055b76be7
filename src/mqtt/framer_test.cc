#include "mqtt/framer.h"

#include <gtest/gtest.h>

#include "mqtt/testing.h"
#include "mqtt/varint.h"
#include "tests/normative.h"

namespace starling {
namespace {

TEST(NextFrame, CutsPacketsFromAStream) {
    const ByteVector stream = wire("C0 [] 32 [('a') 0001 'x'] E0");
    const auto ping = next_frame(stream, kPacketBytesMax);
    ASSERT_TRUE(ping);
    EXPECT_EQ(ping->type, PacketType::Pingreq);
    EXPECT_EQ(ping->size, 2u);
    EXPECT_TRUE(ping->body.empty());

    const auto publish = next_frame(Bytes(stream).subspan(2), kPacketBytesMax);
    ASSERT_TRUE(publish);
    EXPECT_EQ(publish->type, PacketType::Publish);
    EXPECT_EQ(publish->flags, 2);
    EXPECT_EQ(publish->size, 8u);
    EXPECT_EQ(as_text(publish->body.last(1)), "x");

    const auto cut = next_frame(Bytes(stream).subspan(10), kPacketBytesMax);
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->size, 0u);
}

TEST(NextFrame, WaitsForTheRestAndSaysHowMuch) {
    for (const std::size_t length : {0u, 1u, 127u, 128u, 16'383u, 16'384u, 2'097'152u}) {
        ByteVector packet = wire("30");
        append_varint(packet, length);
        const std::size_t head = packet.size();
        packet.resize(head + length);
        const std::size_t step = 1 + length / 100;
        for (std::size_t size = 0; size < packet.size(); size += size < head ? 1 : step) {
            const auto frame = next_frame(Bytes(packet).first(size), kPacketBytesMax);
            ASSERT_TRUE(frame);
            EXPECT_EQ(frame->size, 0u);
            EXPECT_EQ(frame->wanted, size < head ? 0 : packet.size());
        }
        const auto frame = next_frame(packet, kPacketBytesMax);
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame->size, packet.size());
        EXPECT_EQ(frame->body.size(), length);
    }
}

TEST(NextFrame, RefusesReservedFlagsAtTheFirstByte) {
    for (const char* id : {"MQTT-2.1.3-1", "MQTT311-2.2.2-2", "MQTT-3.6.1-1", "MQTT-3.8.1-1",
                           "MQTT-3.10.1-1", "MQTT-3.14.1-1", "MQTT-3.15.1-1"})
        proves(id);
    static constexpr unsigned kLegal[] = {0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0};
    for (unsigned first = 0; first < 256; ++first) {
        const unsigned type = first >> 4;
        const bool legal = type == 3 || (type != 0 && (first & 0x0F) == kLegal[type]);
        const std::byte byte{static_cast<unsigned char>(first)};
        const auto frame = next_frame(Bytes(&byte, 1), kPacketBytesMax);
        EXPECT_EQ(frame.ok(), legal) << first;
        if (!legal) {
            EXPECT_EQ(frame.error().reason, Reason::MalformedPacket);
        }
    }
}

TEST(NextFrame, RefusesWhatCannotBecomeAPacket) {
    struct Case {
        const char* what;
        const char* bytes;
        Reason reason;
    };
    static constexpr Case cases[] = {
        {"a length of five bytes", "30 FFFFFFFF 01", Reason::MalformedPacket},
        {"its first four bytes", "30 80808080", Reason::MalformedPacket},
        {"PINGREQ with a body", "C0 01", Reason::MalformedPacket},
        {"PINGRESP with a body", "D0 01 00", Reason::MalformedPacket},
        {"above the limit by one", "30 63", Reason::PacketTooLarge},
        {"far above the limit", "30 FFFFFF7F", Reason::PacketTooLarge},
    };
    for (const Case& c : cases) {
        const auto frame = next_frame(wire(c.bytes), 100);
        ASSERT_FALSE(frame) << c.what;
        EXPECT_EQ(frame.error().reason, c.reason) << c.what;
    }
    EXPECT_TRUE(next_frame(wire("30 62"), 100)) << "exactly the limit";
}

// Only MQTT 5.0 asks for the shortest form, and the version is not known here.
TEST(NextFrame, TakesALengthInMoreBytesThanItNeeds) {
    const ByteVector packet = wire("30 83808000 'abc'");
    const auto frame = next_frame(packet, kPacketBytesMax);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->size, 8u);
    EXPECT_EQ(as_text(frame->body), "abc");
}

}  // namespace
}  // namespace starling
