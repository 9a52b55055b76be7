// PINGREQ, PINGRESP, DISCONNECT and AUTH: MQTT 5.0, sections 3.12 to 3.15.
#include "mqtt/open_packet.h"

namespace starling {

void encode_pingreq(ByteVector& out) { const OpenPacket packet(out, PacketType::Pingreq); }
void encode_pingresp(ByteVector& out) { const OpenPacket packet(out, PacketType::Pingresp); }

void encode_disconnect(ByteVector& out, Version version, Reason reason,
                       const PropertyWriter& properties, const Explanation& explanation) {
    append_explained(out, explanation, [&](std::string_view reason_string) {
        const OpenPacket packet(out, PacketType::Disconnect);
        const bool has_properties = !properties.empty() || !reason_string.empty();
        if (version != Version::V5 || (reason == Reason::Success && !has_properties)) return;
        append_reason(out, reason);
        if (has_properties) append_properties(out, properties, reason_string);
    });
}

void encode_auth(ByteVector& out, Reason reason, const PropertyWriter& properties) {
    const OpenPacket packet(out, PacketType::Auth);
    if (reason == Reason::Success && properties.empty()) return;
    append_reason(out, reason);
    append_properties(out, properties);
}

}  // namespace starling
