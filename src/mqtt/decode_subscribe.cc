// SUBSCRIBE, UNSUBSCRIBE and their answers: MQTT 5.0, sections 3.8 to 3.11.
#include "mqtt/decode.h"
#include "mqtt/topic.h"

namespace starling {
namespace {

Decoded<std::string_view> read_filter(Reader& reader) {
    STARLING_TRY(filter, reader.string());
    if (const auto shared = split_share(filter); !shared) return shared.error();
    if (!is_topic_filter(filter))
        return ProtocolError{Reason::TopicFilterInvalid,
                             "[MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] no topic filter"};
    return filter;
}

// The byte after a filter; below version 5 all but the QoS is reserved.
Decoded<void> read_options(Reader& reader, Version version, SubscribeFilter& to) {
    STARLING_TRY(options, reader.u8());
    if (version != Version::V5 && options > 2)
        return malformed("[MQTT311-3.8.3-4] QoS 3 or a reserved bit in SUBSCRIBE");
    if ((options & 0xC0) != 0) return malformed("[MQTT-3.8.3-5] reserved subscription option");
    if ((options & 3) == 3) return protocol_error("section 3.8.3.1: maximum QoS 3");
    to.qos = static_cast<Qos>(options & 3);
    to.no_local = (options & 4) != 0;
    to.retain_as_published = (options & 8) != 0;
    to.retain_handling = options >> 4 & 3;
    if (to.retain_handling == 3) return protocol_error("section 3.8.3.1: retain handling 3");
    if (to.no_local && is_shared_filter(to.filter))
        return protocol_error("[MQTT-3.8.3-4] no local on a shared subscription");
    return {};
}

}  // namespace

Decoded<Subscribe> decode_subscribe(const Frame& frame, Version version) {
    Subscribe subscribe;
    Reader reader(frame.body);
    STARLING_SET(subscribe.packet_id, reader.packet_id());
    if (version == Version::V5) {
        STARLING_TRY(properties, read_properties(reader, PropertyPlace::Subscribe));
        subscribe.subscription_identifier = properties.subscription_identifier;
    }
    if (reader.empty()) return protocol_error("[MQTT-3.8.3-2] SUBSCRIBE without a topic filter");
    while (!reader.empty()) {
        STARLING_TRY(filter, read_filter(reader));
        SubscribeFilter& added = subscribe.filters.emplace_back(SubscribeFilter{filter});
        STARLING_CHECK(read_options(reader, version, added));
    }
    return subscribe;
}

Decoded<Unsubscribe> decode_unsubscribe(const Frame& frame, Version version) {
    Unsubscribe unsubscribe;
    Reader reader(frame.body);
    STARLING_SET(unsubscribe.packet_id, reader.packet_id());
    if (version == Version::V5) STARLING_CHECK(read_properties(reader, PropertyPlace::Unsubscribe));
    if (reader.empty()) return protocol_error("[MQTT-3.10.3-2] UNSUBSCRIBE without a topic filter");
    while (!reader.empty()) {
        STARLING_TRY(filter, read_filter(reader));
        unsubscribe.filters.push_back(filter);
    }
    return unsubscribe;
}

Decoded<Suback> decode_suback(const Frame& frame, Version version) {
    Suback suback;
    Reader reader(frame.body);
    STARLING_SET(suback.packet_id, reader.packet_id());
    if (version == Version::V5) STARLING_CHECK(read_properties(reader, PropertyPlace::Suback));
    const bool has_codes = version == Version::V5 || frame.type == PacketType::Suback;
    if (!has_codes) STARLING_CHECK(reader.end());
    if (has_codes && reader.empty()) return protocol_error("[MQTT-3.8.4-6] no reason code");
    while (!reader.empty()) {
        STARLING_TRY(reason, reader.reason(frame.type, Sender::Server));
        if (version != Version::V5 && reason > Reason::UnspecifiedError)
            return protocol_error("[MQTT311-3.9.3-2] reserved return code");
        suback.reasons.push_back(reason);
    }
    return suback;
}

}  // namespace starling
