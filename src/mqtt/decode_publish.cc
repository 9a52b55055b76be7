// PUBLISH and its acknowledgements: MQTT 5.0, sections 3.3 to 3.7.
#include "mqtt/decode.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

namespace starling {
namespace {

Decoded<void> read_flags(std::uint8_t flags, Publish& publish) {
    const unsigned qos = flags >> 1 & 3;
    publish.retain = (flags & 1) != 0;
    publish.dup = (flags & 8) != 0;
    if (qos == 3) return malformed("[MQTT-3.3.1-4] QoS 3");
    if (qos == 0 && publish.dup) return malformed("[MQTT-3.3.1-2] DUP at QoS 0");
    publish.qos = static_cast<Qos>(qos);
    return {};
}

Decoded<void> read_publish_properties(Reader& reader, Sender sender, Publish& publish) {
    STARLING_TRY(size, reader.varint());
    STARLING_SET(publish.properties, reader.bytes(size));
    std::uint64_t present = 0;
    for (Reader block(publish.properties); !block.empty();) {
        STARLING_TRY(field, take_property(block, PropertyPlace::Publish, present));
        if (field.property == Property::TopicAlias)
            publish.topic_alias = static_cast<std::uint16_t>(field.number);
        else if (field.property == Property::MessageExpiryInterval)
            publish.expiry_interval_s = field.number;
        else if (field.property == Property::SubscriptionIdentifier && sender == Sender::Client)
            return protocol_error("[MQTT-3.3.4-6] subscription identifier from a client");
    }
    return {};
}

Decoded<std::string_view> read_topic(Reader& reader, std::string_view seen) {
    STARLING_TRY(bytes, reader.binary());
    const std::string_view topic = as_text(bytes);
    if (!topic.empty() && topic == seen) return topic;
    if (!is_mqtt_text(topic))
        return malformed("[MQTT-1.5.4-1] [MQTT-1.5.4-2] a topic not in UTF-8, or with U+0000");
    if (has_wildcard(topic))
        return ProtocolError{Reason::TopicNameInvalid, "[MQTT-3.3.2-2] wildcard in a topic name"};
    return topic;
}

}  // namespace

Decoded<Publish> decode_publish(const Frame& frame, Version version, Sender sender,
                                std::string_view seen) {
    Publish publish;
    STARLING_CHECK(read_flags(frame.flags, publish));
    Reader reader(frame.body);
    STARLING_SET(publish.topic, read_topic(reader, seen));
    if (publish.qos != Qos::AtMostOnce) STARLING_SET(publish.packet_id, reader.packet_id());
    if (version == Version::V5) STARLING_CHECK(read_publish_properties(reader, sender, publish));
    if (publish.topic.empty() && publish.topic_alias == 0)
        return protocol_error("[MQTT-4.7.3-1] empty topic name without a topic alias");
    publish.payload = reader.rest();
    return publish;
}

Decoded<Ack> decode_ack(const Frame& frame, Version version) {
    Ack ack;
    Reader reader(frame.body);
    STARLING_SET(ack.packet_id, reader.packet_id());
    if (version == Version::V5 && !reader.empty()) {  // else success (section 3.4.2.1)
        STARLING_SET(ack.reason, reader.reason(frame.type, Sender::Client));  // or a server's
        if (!reader.empty()) {
            STARLING_TRY(properties, read_properties(reader, PropertyPlace::Ack));
            ack.reason_string = properties.reason_string;
        }
    }
    STARLING_CHECK(reader.end());
    return ack;
}

}  // namespace starling
