// Packets to bytes. Appends whole control packets to a buffer; lengths take their shortest form.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "mqtt/packets.h"
#include "mqtt/varint.h"

namespace starling {

// Properties to write, appended one by one. Owner: the stack of whoever builds the packet.
class PropertyWriter {
public:
    void add_u8(Property property, std::uint8_t value);
    void add_u16(Property property, std::uint16_t value);
    void add_u32(Property property, std::uint32_t value);
    void add_varint(Property property, std::uint32_t value);
    void add_string(Property property, std::string_view value);
    void add_binary(Property property, Bytes value);
    void add_user(std::string_view name, std::string_view value);

    Bytes block() const { return block_; }
    bool empty() const { return block_.empty(); }

private:
    ByteVector block_;
};

// What a packet may say beyond its codes, and how large it may be. A reason string that would lift
// the packet above `packet_bytes_max` is left out ([MQTT-3.2.2-19] and its like for other packets).
struct Explanation {
    std::string_view reason_string;
    std::uint32_t packet_bytes_max = 0xFFFFFFFF;
};

void encode_connect(ByteVector& out, const Connect& connect, const PropertyWriter& properties,
                    const PropertyWriter& will_properties);

// Below version 5 `reason` becomes the return code that stands for it (0 to 5).
void encode_connack(ByteVector& out, Version version, bool session_present, Reason reason,
                    const PropertyWriter& properties, const Explanation& explanation = {});

// PUBACK, PUBREC, PUBREL, PUBCOMP in their shortest form: of success, and of anything below
// version 5.
std::array<std::byte, 4> encode_short_ack(PacketType type, std::uint16_t packet_id);

// The same, and with a reason where one must be said.
void encode_ack(ByteVector& out, Version version, PacketType type, std::uint16_t packet_id,
                Reason reason, const Explanation& explanation = {});

void encode_subscribe(ByteVector& out, Version version, const Subscribe& subscribe,
                      const PropertyWriter& properties = {});

// Below version 5 every failure becomes 0x80 (version 3: granted QoS 0, having no failure code
// in its text but 0x80 accepted by its clients: 0x80 too).
void encode_suback(ByteVector& out, Version version, std::uint16_t packet_id,
                   std::span<const Reason> reasons);
void encode_unsubscribe(ByteVector& out, Version version, const Unsubscribe& unsubscribe,
                        const PropertyWriter& properties = {});
void encode_unsuback(ByteVector& out, Version version, std::uint16_t packet_id,
                     std::span<const Reason> reasons);

void encode_pingreq(ByteVector& out);
void encode_pingresp(ByteVector& out);

// Below version 5 a server has no DISCONNECT: only a client may call this then.
void encode_disconnect(ByteVector& out, Version version, Reason reason,
                       const PropertyWriter& properties = {}, const Explanation& explanation = {});
void encode_auth(ByteVector& out, Reason reason, const PropertyWriter& properties);

// Everything of a PUBLISH but its payload.
struct PublishHead {
    Version version = Version::V4;
    Qos qos = Qos::AtMostOnce;
    bool dup = false;
    bool retain = false;
    std::uint16_t packet_id = 0;    // for QoS 1 and 2
    std::uint16_t topic_alias = 0;  // 0: none
    std::uint64_t expiry_interval_s = kNoMessageExpiry;
    std::string_view topic;  // may be empty with an alias that the peer knows
    Bytes forwarded;         // properties as copy_forwarded() gave them
    std::span<const std::uint32_t> subscription_identifiers;
    std::size_t payload_size = 0;
};

// The bytes before the payload, and with it. Below version 5 properties count nothing. More than
// kPacketBytesMax in all cannot be sent.
struct PublishSize {
    std::size_t head;
    std::size_t whole;
};
PublishSize publish_size(const PublishHead& head);

// Writes publish_size(head).head bytes; the payload follows. Returns where it goes.
// REQUIRES: publish_size(head).whole <= kPacketBytesMax.
std::byte* write_publish_head(const PublishHead& head, std::byte* out);

}  // namespace starling
