// A PUBLISH from a client.
#include <algorithm>

#include "broker/broker.h"
#include "mqtt/topic.h"

namespace starling {

void Broker::on_publish(Handle handle, Connection& connection, const Frame& frame) {
    const auto publish = decode_publish(frame, connection.version, Sender::Client);
    if (!publish) return fail(handle, connection, publish.error());
    counters_.add(Count::PublishReceived);
    if (publish->qos > options_.maximum_qos)
        return fail(handle, connection, {Reason::QosNotSupported, "section 3.2.2.3.4"});
    if (publish->retain && !options_.retain_available)
        return fail(handle, connection, {Reason::RetainNotSupported, "section 3.2.2.3.5"});

    const auto topic = resolve_topic(connection, *publish);
    if (!topic) return fail(handle, connection, topic.error());
    accept_publish(handle, connection, *publish, *topic);
}

// The topic that a PUBLISH names, by itself or by an alias that it may set too.
Decoded<std::string_view> Broker::resolve_topic(Connection& connection, const Publish& publish) {
    if (publish.topic_alias == 0) return publish.topic;
    if (publish.topic_alias > options_.topic_aliases)
        return ProtocolError{Reason::TopicAliasInvalid, "[MQTT-3.3.2-9] above the maximum"};
    auto& aliases = connection.busy().aliases_in;
    if (aliases.size() < publish.topic_alias) aliases.resize(publish.topic_alias);
    std::string& known = aliases[publish.topic_alias - 1u];
    if (!publish.topic.empty()) known = publish.topic;
    if (known.empty())
        return ProtocolError{Reason::ProtocolError, "[MQTT-3.3.2-7] an alias that was not set"};
    return std::string_view(known);
}

// Whether clients may publish there.
Reason Broker::judge_topic(std::string_view topic) const {
    if (level_count(topic) > options_.topic_levels) return Reason::TopicNameInvalid;
    if (topic == "$SYS" || topic.starts_with("$SYS/")) return Reason::NotAuthorized;
    return Reason::Success;
}

void Broker::accept_publish(Handle handle, Connection& connection, const Publish& publish,
                            std::string_view topic) {
    const bool is_exact = publish.qos == Qos::ExactlyOnce;
    const PacketType answer = is_exact ? PacketType::Pubrec : PacketType::Puback;
    Session& session = sessions_[connection.session.index];
    if (is_exact) {
        auto& received = session.busy().received;
        const auto at = std::lower_bound(received.begin(), received.end(), publish.packet_id);
        if (at != received.end() && *at == publish.packet_id)  // [MQTT-4.3.3-10]
            return acknowledge(handle, connection, answer, publish.packet_id, Reason::Success);
        if (received.size() >= options_.inflight_in)
            return fail(handle, connection, {Reason::ReceiveMaximumExceeded, "[MQTT-3.3.4-7]"});
    }
    Reason reason = judge_topic(topic);
    if (reason == Reason::TopicNameInvalid && publish.qos == Qos::AtMostOnce)
        return fail(handle, connection, {reason, "more topic levels than allowed"});
    if (reason == Reason::Success) {
        MessageParts parts;
        parts.topic = topic;
        parts.payload = publish.payload;
        parts.properties = publish.properties;
        parts.qos = publish.qos;
        parts.retain = publish.retain;
        parts.publisher = connection.session;
        if (publish.expiry_interval_s != kNoMessageExpiry)
            parts.expires_at = core_.now() + publish.expiry_interval_s * 1000;
        const Routed routed = route(Message::make(parts));
        if (!routed.was_retained) reason = Reason::QuotaExceeded;
        else if (routed.receivers == 0) reason = Reason::NoMatchingSubscribers;
    }
    if (publish.qos == Qos::AtMostOnce) return session.rest_if_idle();
    // An error that the client hears of makes the identifier new [MQTT-4.3.3-9].
    if (is_exact && (connection.version != Version::V5 || !is_error(reason))) {
        auto& received = session.busy().received;
        received.insert(std::lower_bound(received.begin(), received.end(), publish.packet_id),
                        publish.packet_id);
    }
    session.rest_if_idle();
    acknowledge(handle, connection, answer, publish.packet_id, reason);
}

void Broker::acknowledge(Handle handle, Connection& connection, PacketType type,
                         std::uint16_t packet_id, Reason reason) {
    // Below version 5 a refused message is acknowledged all the same [MQTT311-3.3.5-2].
    encode_ack(frame_, connection.version, type, packet_id, reason);
    send_frame(handle, connection);
}

}  // namespace starling
