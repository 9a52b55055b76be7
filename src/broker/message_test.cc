#include "broker/message.h"

#include <gtest/gtest.h>

#include "mqtt/testing.h"

namespace starling {
namespace {

TEST(Message, KeepsItsParts) {
    for (const std::size_t size : {0, 1, 120, 130, 20'000}) {
        const std::string payload(size, 'p');
        MessageParts parts;
        parts.topic = {"a/b"};
        parts.payload = as_bytes(payload);
        parts.qos = Qos::ExactlyOnce;
        parts.retain = true;
        parts.expires_at = 100;
        parts.publisher = {0, {3, 5}};
        const auto message = Message::make(parts);
        EXPECT_EQ(message->topic(), "a/b");
        EXPECT_EQ(as_text(message->payload()), payload);
        EXPECT_TRUE(message->forwarded().empty());
        EXPECT_EQ(message->qos(), Qos::ExactlyOnce);
        EXPECT_TRUE(message->retain_flag());
        EXPECT_EQ(message->publisher(), (RemoteHandle{0, {3, 5}}));
        EXPECT_FALSE(message->is_expired(99));
        EXPECT_TRUE(message->is_expired(100));
        EXPECT_GE(message->size(), size);
    }
}

TEST(Message, HoldsTheFrameOfItsPublishersVersion) {
    struct Case {
        Version version;
        const char* properties;
        const char* frame;
    };
    static constexpr Case cases[] = {
        {Version::V3, "", "30 [('a/b') 'hello']"},
        {Version::V4, "", "30 [('a/b') 'hello']"},
        {Version::V5, "", "30 [('a/b') 00 'hello']"},
        {Version::V5, "01 01", "30 [('a/b') 'hello']"},  // or below, if something is forwarded
    };
    for (const Case& c : cases) {
        const ByteVector properties = wire(c.properties);
        MessageParts parts;
        parts.topic = {"a/b"};
        parts.payload = as_bytes("hello");
        parts.properties = properties;
        parts.version = c.version;
        parts.qos = Qos::AtLeastOnce;
        parts.retain = true;
        const auto message = Message::make(parts);
        const ByteVector expected = wire(c.frame);
        EXPECT_EQ(as_text(message->plain_frame()), as_text(expected));
        const bool is_v5 = c.version == Version::V5 && properties.empty();
        EXPECT_EQ(message->has_plain_frame_of(Version::V5), is_v5);
        EXPECT_EQ(message->has_plain_frame_of(Version::V3), !is_v5);
        EXPECT_EQ(message->topic(), "a/b");
        EXPECT_EQ(as_text(message->payload()), "hello");
        EXPECT_EQ(as_text(message->forwarded()), as_text(properties));
    }
}

TEST(Message, KeepsWhatIsForwardedOfTheProperties) {
    // A payload format, an expiry (told anew to each), a topic alias (the hop's own), a user
    // property.
    const ByteVector block = wire("01 01 02 00000010 23 0001 26 ('k') ('v')");
    const ByteVector kept = wire("01 01 26 ('k') ('v')");
    MessageParts parts;
    parts.topic = {"a"};
    parts.properties = block;
    EXPECT_EQ(as_text(Message::make(parts)->forwarded()), as_text(kept));
}

}  // namespace
}  // namespace starling
