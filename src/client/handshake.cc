#include "client/handshake.h"

namespace starling {
namespace {

PropertyWriter connect_properties(const ClientOptions& options) {
    PropertyWriter properties = options.properties;
    if (options.session_expiry_interval_s != 0)
        properties.add_u32(Property::SessionExpiryInterval, options.session_expiry_interval_s);
    if (options.receive_maximum != 65'535)
        properties.add_u16(Property::ReceiveMaximum, options.receive_maximum);
    if (options.packet_bytes_max < kPacketBytesMax)
        properties.add_u32(Property::MaximumPacketSize, options.packet_bytes_max);
    if (options.topic_alias_maximum != 0)
        properties.add_u16(Property::TopicAliasMaximum, options.topic_alias_maximum);
    return properties;
}

PropertyWriter will_properties(const OutgoingMessage& will) {
    PropertyWriter properties = will.properties;
    if (will.expiry_interval_s != kNoMessageExpiry)
        properties.add_u32(Property::MessageExpiryInterval,
                           static_cast<std::uint32_t>(will.expiry_interval_s));
    return properties;
}

WillPacket will_packet(const OutgoingMessage& will) {
    return {.qos = will.qos, .retain = will.retain, .topic = will.topic, .payload = will.payload};
}

}  // namespace

void encode_connect(ByteVector& out, const ClientOptions& options, bool resumes) {
    Connect connect;
    connect.version = options.version;
    connect.clean_start = asks_clean_start(options, resumes);
    connect.keep_alive_s = options.keep_alive_s;
    connect.client_id = options.client_id;
    if (options.user_name) connect.user_name = *options.user_name;
    if (options.password) connect.password = as_bytes(*options.password);
    if (options.will) connect.will = will_packet(*options.will);
    encode_connect(out, connect, connect_properties(options),
                   options.will ? will_properties(*options.will) : PropertyWriter{});
}

bool asks_clean_start(const ClientOptions& options, bool resumes) {
    const bool outlives_connection =
        options.version == Version::V5 && options.session_expiry_interval_s != 0;
    return options.clean_start && !(resumes && outlives_connection);
}

Reason ServerTerms::objection(Qos qos, bool retain, std::size_t whole_size) const {
    if (qos > qos_max) return Reason::QosNotSupported;                 // [MQTT-3.2.2-11]
    if (retain && !has_retain) return Reason::RetainNotSupported;      // [MQTT-3.2.2-14]
    if (whole_size > packet_bytes_max) return Reason::PacketTooLarge;  // [MQTT-3.2.2-15]
    return Reason::Success;
}

ServerTerms terms_of(const Connack& connack, const ClientOptions& options) {
    const Properties& properties = connack.properties;
    ServerTerms terms;
    if (properties.has(Property::MaximumPacketSize))
        terms.packet_bytes_max = properties.maximum_packet_size;
    terms.receive_maximum = properties.receive_maximum;
    terms.topic_alias_maximum = properties.topic_alias_maximum;
    terms.keep_alive_s = properties.has(Property::ServerKeepAlive)
                             ? properties.server_keep_alive_s  // [MQTT-3.2.2-21]
                             : options.keep_alive_s;
    terms.qos_max = static_cast<Qos>(properties.maximum_qos);
    terms.has_retain = properties.retain_available;
    return terms;
}

}  // namespace starling
