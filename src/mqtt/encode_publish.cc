// PUBLISH and its acknowledgements: MQTT 5.0, sections 3.3 to 3.7.
#include "mqtt/open_packet.h"

namespace starling {
namespace {

bool has_properties(const PublishHead& head) { return head.version == Version::V5; }
bool has_packet_id(const PublishHead& head) { return head.qos != Qos::AtMostOnce; }
bool has_expiry(const PublishHead& head) { return head.expiry_interval_s != kNoMessageExpiry; }

// Without their length.
std::uint32_t properties_size(const PublishHead& head) {
    std::size_t size = head.forwarded.size();
    if (head.topic_alias != 0) size += 3;
    if (has_expiry(head)) size += 5;
    for (const std::uint32_t identifier : head.subscription_identifiers)
        size += 1 + varint_size(identifier);
    return static_cast<std::uint32_t>(size);
}

// Without type and remaining length.
std::size_t variable_size(const PublishHead& head) {
    std::size_t size = 2 + head.topic.size();
    if (has_packet_id(head)) size += 2;
    if (has_properties(head)) {
        const std::uint32_t properties = properties_size(head);
        size += varint_size(properties) + properties;
    }
    return size;
}

std::byte* store_identifier(std::byte* at, Property property) {
    return store_u8(at, static_cast<unsigned>(property));
}

std::byte* store_properties(std::byte* at, const PublishHead& head) {
    at = store_varint(at, properties_size(head));
    if (head.topic_alias != 0)
        at = store_u16(store_identifier(at, Property::TopicAlias), head.topic_alias);
    if (has_expiry(head))
        at = store_u32(store_identifier(at, Property::MessageExpiryInterval),
                       static_cast<std::uint32_t>(head.expiry_interval_s));
    for (const std::uint32_t identifier : head.subscription_identifiers)
        at = store_varint(store_identifier(at, Property::SubscriptionIdentifier), identifier);
    return store_bytes(at, head.forwarded);
}

unsigned first_byte(const PublishHead& head) {
    const bool dup = head.dup && has_packet_id(head);  // [MQTT-3.3.1-2]
    return 0x30u | unsigned{dup} << 3 | static_cast<unsigned>(head.qos) << 1 |
           unsigned{head.retain};
}

}  // namespace

PublishSize publish_size(const PublishHead& head) {
    const std::size_t variable = variable_size(head);
    const std::size_t remaining = variable + head.payload_size;
    const std::size_t fixed = 1 + varint_size(static_cast<std::uint32_t>(remaining));
    return {fixed + variable, fixed + remaining};
}

std::byte* write_publish_head(const PublishHead& head, std::byte* out) {
    const std::size_t remaining = variable_size(head) + head.payload_size;
    STARLING_ASSERT(remaining <= kVarintMax);
    std::byte* at = store_u8(out, first_byte(head));
    at = store_varint(at, static_cast<std::uint32_t>(remaining));
    at = store_u16(at, static_cast<std::uint16_t>(head.topic.size()));
    at = store_bytes(at, as_bytes(head.topic));
    if (has_packet_id(head)) at = store_u16(at, head.packet_id);
    return has_properties(head) ? store_properties(at, head) : at;
}

std::array<std::byte, 4> encode_short_ack(PacketType type, std::uint16_t packet_id) {
    const unsigned flags = type == PacketType::Pubrel ? 0b0010 : 0;
    std::array<std::byte, 4> packet;
    std::byte* at = store_u8(packet.data(), static_cast<unsigned>(type) << 4 | flags);
    at = store_u8(at, 2);
    store_u16(at, packet_id);
    return packet;
}

void encode_ack(ByteVector& out, Version version, PacketType type, std::uint16_t packet_id,
                Reason reason, const Explanation& explanation) {
    append_explained(out, explanation, [&](std::string_view reason_string) {
        const OpenPacket packet(out, type, type == PacketType::Pubrel ? 0b0010 : 0);
        append_u16(out, packet_id);
        if (version != Version::V5) return;
        if (reason == Reason::Success && reason_string.empty()) return;
        append_reason(out, reason);
        if (!reason_string.empty()) append_properties(out, {}, reason_string);
    });
}

}  // namespace starling
