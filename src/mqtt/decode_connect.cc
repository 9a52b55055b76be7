// CONNECT and CONNACK: MQTT 5.0, sections 3.1 and 3.2.
#include "mqtt/decode.h"
#include "mqtt/topic.h"

namespace starling {
namespace {

Decoded<Version> read_version(Reader& reader) {
    STARLING_TRY(name, reader.string());
    STARLING_TRY(level, reader.u8());
    if (name == "MQTT" && level == 5) return Version::V5;
    if (name == "MQTT" && level == 4) return Version::V4;
    if (name == "MQIsdp" && level == 3) return Version::V3;
    return ProtocolError{Reason::UnsupportedProtocolVersion,
                         "[MQTT-3.1.2-1] [MQTT-3.1.2-2] protocol name or level not known"};
}

struct Flags {
    explicit Flags(std::uint8_t byte)
        : reserved((byte & 1) != 0),
          clean_start((byte & 2) != 0),
          will((byte & 4) != 0),
          will_qos(byte >> 3 & 3),
          will_retain((byte & 0x20) != 0),
          password((byte & 0x40) != 0),
          user_name((byte & 0x80) != 0) {}

    bool reserved, clean_start, will;
    unsigned will_qos;
    bool will_retain, password, user_name;
};

Decoded<void> check_flags(const Flags& flags, Version version) {
    if (flags.reserved) return malformed("[MQTT-3.1.2-3] reserved connect flag");
    if (flags.will) {
        if (flags.will_qos == 3) return malformed("[MQTT-3.1.2-12] will QoS 3");
    } else if (version != Version::V3) {  // MQTT 3.1 disregards them then
        if (flags.will_qos != 0) return malformed("[MQTT-3.1.2-11] will QoS without a will");
        if (flags.will_retain) return malformed("[MQTT-3.1.2-13] will retain without a will");
    }
    if (flags.password && !flags.user_name && version != Version::V5)
        return malformed("[MQTT311-3.1.2-22] password without a user name");
    return {};
}

Decoded<void> check_client_id(const Connect& connect) {
    if (!connect.client_id.empty() || connect.version == Version::V5) return {};
    if (connect.version == Version::V4 && connect.clean_start) return {};
    return ProtocolError{Reason::ClientIdentifierNotValid,
                         "[MQTT311-3.1.3-8] empty client identifier"};
}

Decoded<WillPacket> read_will(Reader& reader, const Flags& flags, bool has_properties) {
    WillPacket will;
    will.qos = static_cast<Qos>(flags.will_qos);
    will.retain = flags.will_retain;
    if (has_properties) STARLING_SET(will.properties, read_properties(reader, PropertyPlace::Will));
    STARLING_SET(will.topic, reader.string());
    if (!is_topic_name(will.topic))
        return ProtocolError{Reason::TopicNameInvalid,
                             "[MQTT-4.7.0-1] [MQTT-4.7.3-1] will topic empty or with a wildcard"};
    STARLING_SET(will.payload, reader.binary());
    return will;
}

Decoded<void> read_login(Reader& reader, const Flags& flags, Connect& connect) {
    // In MQTT 3.1 the remaining length outranks the flags: what they announce may be missing.
    const bool lax = connect.version == Version::V3;
    if (flags.user_name && !(lax && reader.empty()))
        STARLING_SET(connect.user_name, reader.string());
    if (flags.password && !(lax && reader.empty())) STARLING_SET(connect.password, reader.binary());
    return {};
}

// MQTT 3.1.1, table 3.1.
Decoded<Reason> read_return_code(Reader& reader) {
    static constexpr Reason kReasons[] = {
        Reason::Success,
        Reason::UnsupportedProtocolVersion,
        Reason::ClientIdentifierNotValid,
        Reason::ServerUnavailable,
        Reason::BadUserNameOrPassword,
        Reason::NotAuthorized,
    };
    STARLING_TRY(code, reader.u8());
    if (code >= std::size(kReasons)) return protocol_error("section 3.2.2.3: reserved return code");
    return kReasons[code];
}

}  // namespace

Decoded<Connect> decode_connect(const Frame& frame) {
    Connect connect;
    Reader reader(frame.body);
    STARLING_SET(connect.version, read_version(reader));
    const bool has_properties = connect.version == Version::V5;
    STARLING_TRY(flag_byte, reader.u8());
    const Flags flags(flag_byte);
    STARLING_CHECK(check_flags(flags, connect.version));
    connect.clean_start = flags.clean_start;
    STARLING_SET(connect.keep_alive_s, reader.u16());
    if (has_properties)
        STARLING_SET(connect.properties, read_properties(reader, PropertyPlace::Connect));

    STARLING_SET(connect.client_id, reader.string());
    if (flags.will) STARLING_SET(connect.will, read_will(reader, flags, has_properties));
    STARLING_CHECK(read_login(reader, flags, connect));
    STARLING_CHECK(reader.end());
    STARLING_CHECK(check_client_id(connect));
    return connect;
}

Version answer_version(const Frame& connect) {
    Reader reader(connect.body);
    const bool has_name = reader.binary().ok();
    const auto level = reader.u8();
    return has_name && level && *level >= 5 ? Version::V5 : Version::V4;
}

Decoded<Connack> decode_connack(const Frame& frame, Version version) {
    Connack connack;
    Reader reader(frame.body);
    STARLING_TRY(flags, reader.u8());
    if (flags > 1) return malformed("[MQTT-3.2.2-1] reserved acknowledge flag");
    connack.session_present = flags != 0;
    if (version == Version::V5) {
        STARLING_SET(connack.reason, reader.reason(PacketType::Connack, Sender::Server));
        STARLING_SET(connack.properties, read_properties(reader, PropertyPlace::Connack));
    } else {
        STARLING_SET(connack.reason, read_return_code(reader));
    }
    if (connack.session_present && is_error(connack.reason))
        return protocol_error("[MQTT-3.2.2-6] session present in a refusal");
    STARLING_CHECK(reader.end());
    return connack;
}

}  // namespace starling
