// One application message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/counted.h"
#include "base/handle.h"
#include "base/hash.h"
#include "base/time.h"
#include "mqtt/types.h"

namespace starling {

// What a message is made of; views that need not outlive make().
struct MessageParts {
    Hashed topic;
    Bytes payload;
    Bytes properties;               // a valid block; what a server forwards of it is kept
    Version version = Version::V4;  // of its publisher
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
    TimeMs expires_at = kNever;
    RemoteHandle publisher;            // the session it came from, if any: No Local asks
    std::uint32_t publisher_hash = 0;  // of its client identifier: share groups may ask
};

// Shared by every queue that holds it. One allocation and one copy in; the frame that QoS 0
// subscribers receive lies in it ready to send, if they speak its publisher's version.
// Owner: any core. Nothing but the count changes after make().
class Message : public Counted<Message> {
public:
    static Ref<const Message> make(const MessageParts& parts);

    std::string_view topic() const;
    Bytes payload() const { return {bytes() + frame_size_ - payload_size_, payload_size_}; }
    Bytes forwarded() const { return {bytes() + frame_size_, forwarded_size_}; }

    // A whole QoS 0 PUBLISH without RETAIN. Versions 3 and 4 have the same one.
    Bytes plain_frame() const { return {bytes(), frame_size_}; }
    bool has_plain_frame_of(Version version) const { return (version == Version::V5) == is_v5_; }

    Qos qos() const { return qos_; }
    bool retain_flag() const { return retain_; }
    TimeMs expires_at() const { return expires_at_; }
    bool is_expired(TimeMs now) const { return expires_at_ <= now; }
    RemoteHandle publisher() const { return publisher_; }
    std::uint32_t publisher_hash() const { return publisher_hash_; }
    std::uint64_t topic_hash() const { return topic_hash_; }
    Hashed hashed_topic() const { return {topic(), topic_hash_}; }

    // What it costs whoever keeps it, in bytes.
    std::size_t size() const { return sizeof(Message) + frame_size_ + forwarded_size_; }

private:
    friend class Counted<Message>;
    Message(const MessageParts& parts, std::size_t room);
    static void destroy(const Message* message);
    const std::byte* bytes() const { return reinterpret_cast<const std::byte*>(this + 1); }

    std::uint16_t topic_at_ = 0;  // where the topic's text begins in the frame
    std::uint16_t topic_size_ = 0;
    std::uint32_t room_;  // bytes that follow in the same allocation
    std::uint32_t payload_size_ = 0;
    std::uint32_t frame_size_ = 0;
    std::uint32_t forwarded_size_ = 0;
    TimeMs expires_at_;
    RemoteHandle publisher_;
    std::uint32_t publisher_hash_;
    std::uint64_t topic_hash_;
    Qos qos_;
    bool retain_;
    bool is_v5_;  // the frame
    // The frame follows, then the forwarded properties.
};

}  // namespace starling
