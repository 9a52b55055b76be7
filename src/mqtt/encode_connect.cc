// CONNECT and CONNACK: MQTT 5.0, sections 3.1 and 3.2.
#include "mqtt/open_packet.h"

namespace starling {
namespace {

unsigned connect_flags(const Connect& connect) {
    unsigned flags = connect.clean_start ? 0x02 : 0;
    if (connect.will) {
        flags |= 0x04 | static_cast<unsigned>(connect.will->qos) << 3;
        if (connect.will->retain) flags |= 0x20;
    }
    if (connect.password) flags |= 0x40;
    if (connect.user_name) flags |= 0x80;
    return flags;
}

// MQTT 3.1.1, table 3.1.
unsigned return_code(Reason reason) {
    switch (reason) {
        case Reason::Success: return 0;
        case Reason::UnsupportedProtocolVersion: return 1;
        case Reason::ClientIdentifierNotValid: return 2;
        case Reason::UnspecifiedError:
        case Reason::ImplementationSpecificError:
        case Reason::ServerUnavailable:
        case Reason::ServerBusy:
        case Reason::ServerShuttingDown:
        case Reason::QuotaExceeded:
        case Reason::UseAnotherServer:
        case Reason::ServerMoved:
        case Reason::ConnectionRateExceeded: return 3;
        case Reason::BadUserNameOrPassword: return 4;
        default: return 5;
    }
}

}  // namespace

void encode_connect(ByteVector& out, const Connect& connect, const PropertyWriter& properties,
                    const PropertyWriter& will_properties) {
    const OpenPacket packet(out, PacketType::Connect);
    const bool has_properties = connect.version == Version::V5;
    append_string(out, connect.version == Version::V3 ? "MQIsdp" : "MQTT");
    append_u8(out, static_cast<unsigned>(connect.version));
    append_u8(out, connect_flags(connect));
    append_u16(out, connect.keep_alive_s);
    if (has_properties) append_properties(out, properties);

    append_string(out, connect.client_id);
    if (connect.will) {
        if (has_properties) append_properties(out, will_properties);
        append_string(out, connect.will->topic);
        append_binary(out, connect.will->payload);
    }
    if (connect.user_name) append_string(out, *connect.user_name);
    if (connect.password) append_binary(out, *connect.password);
}

void encode_connack(ByteVector& out, Version version, bool session_present, Reason reason,
                    const PropertyWriter& properties, const Explanation& explanation) {
    append_explained(out, explanation, [&](std::string_view reason_string) {
        const OpenPacket packet(out, PacketType::Connack);
        // [MQTT-3.2.2-6]; MQTT 3.1 has no such bit.
        append_u8(out, session_present && !is_error(reason) && version != Version::V3);
        if (version != Version::V5) return append_u8(out, return_code(reason));
        append_reason(out, reason);
        append_properties(out, properties, reason_string);
    });
}

}  // namespace starling
