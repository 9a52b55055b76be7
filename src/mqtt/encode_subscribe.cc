// SUBSCRIBE, UNSUBSCRIBE and their answers: MQTT 5.0, sections 3.8 to 3.11.
#include "mqtt/open_packet.h"

namespace starling {
namespace {

constexpr unsigned kRequestFlags = 0b0010;

unsigned options(const SubscribeFilter& filter, Version version) {
    const auto qos = static_cast<unsigned>(filter.qos);
    if (version != Version::V5) return qos;
    return qos | unsigned{filter.no_local} << 2 | unsigned{filter.retain_as_published} << 3 |
           unsigned{filter.retain_handling} << 4;
}

}  // namespace

void encode_subscribe(ByteVector& out, Version version, const Subscribe& subscribe,
                      const PropertyWriter& properties) {
    const OpenPacket packet(out, PacketType::Subscribe, kRequestFlags);
    append_u16(out, subscribe.packet_id);
    if (version == Version::V5) {
        PropertyWriter all = properties;
        if (subscribe.subscription_identifier != 0)
            all.add_varint(Property::SubscriptionIdentifier, subscribe.subscription_identifier);
        append_properties(out, all);
    }
    for (const SubscribeFilter& filter : subscribe.filters) {
        append_string(out, filter.filter);
        append_u8(out, options(filter, version));
    }
}

void encode_suback(ByteVector& out, Version version, std::uint16_t packet_id,
                   std::span<const Reason> reasons) {
    const OpenPacket packet(out, PacketType::Suback);
    append_u16(out, packet_id);
    if (version == Version::V5) append_properties(out, {});
    for (const Reason reason : reasons)  // [MQTT311-3.9.3-2]
        append_reason(
            out, version != Version::V5 && is_error(reason) ? Reason::UnspecifiedError : reason);
}

void encode_unsubscribe(ByteVector& out, Version version, const Unsubscribe& unsubscribe,
                        const PropertyWriter& properties) {
    const OpenPacket packet(out, PacketType::Unsubscribe, kRequestFlags);
    append_u16(out, unsubscribe.packet_id);
    if (version == Version::V5) append_properties(out, properties);
    for (const std::string_view filter : unsubscribe.filters) append_string(out, filter);
}

void encode_unsuback(ByteVector& out, Version version, std::uint16_t packet_id,
                     std::span<const Reason> reasons) {
    const OpenPacket packet(out, PacketType::Unsuback);
    append_u16(out, packet_id);
    if (version != Version::V5) return;  // [MQTT311-3.10.4-5]
    append_properties(out, {});
    for (const Reason reason : reasons) append_reason(out, reason);
}

}  // namespace starling
