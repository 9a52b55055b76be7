// Deliveries out: now, later, or never.
#include <algorithm>

#include "base/sabotage.h"
#include "broker/broker.h"

namespace starling {

void Broker::offer(Session& session, const Ref<const Message>& message, DeliveryTerms terms) {
    const Handle handle = session.connection;
    Connection* connection = connections_.find(handle);
    if (message->is_expired(core_.now()))  // [MQTT-3.3.2-5]
        return counters_.add(Count::DroppedExpired);
    // What a share group brings may be old: it tells nothing of what is retained.
    if (message->retain_flag() && !terms.group && !STARLING_SABOTAGED(ForgetLiveTopics))
        note_live(session, *message);
    if (terms.qos == Qos::AtMostOnce) {
        if (connection) send_now(handle, *connection, message, terms);
        return;
    }
    Delivery delivery(message, std::move(terms));
    const bool is_first =
        !session.traffic || (session.traffic->queue.empty() && !session.traffic->has_unsent());
    if (connection && is_first && has_window(session, *connection) &&
        has_outbox_room(*connection)) {
        keep(session, change::Queued{delivery});
        start_inflight(session, handle, *connection, std::move(delivery));
        return session.rest_if_idle();
    }
    enqueue(session, std::move(delivery));
}

void Broker::send_now(Handle handle, Connection& connection, const Ref<const Message>& message,
                      const DeliveryTerms& terms) {
    if (!has_outbox_room(connection)) return counters_.add(Count::DroppedOutboxFull);
    if (commons_.memory.is_scarce() && connection.unwritten() != 0)
        return counters_.add(Count::DroppedMemory);
    if (!write_publish(handle, connection, message, terms, 0, false))
        counters_.add(Count::DroppedTooLarge);
}

bool Broker::has_window(const Session& session, const Connection& connection) const {
    const std::uint32_t window = std::min(connection.receive_maximum, options_.inflight_out);
    if (session.has_kin() && !has_packet_ids(session)) return false;
    return STARLING_SABOTAGED(IgnoreWindow) || !session.traffic ||
           (session.traffic->current < window &&
            session.traffic->inflight.size() < window);  // [MQTT-3.3.4-9]
}

bool Broker::has_outbox_room(const Connection& connection) const {
    return connection.unwritten() < options_.outbox_bytes;
}

// --- Queue ---------------------------------------------------------------------------------------

void Broker::enqueue(Session& session, Delivery delivery) {
    SessionTraffic& traffic = session.busy();
    if (!make_room(session, delivery)) {
        counters_.add(Count::DroppedQueueFull);
        return session.rest_if_idle();
    }
    keep(session, change::Queued{delivery});
    traffic.bytes += delivery.message->size();
    traffic.queue.push(std::move(delivery));
}

// The drop rule. False when `fresh` itself is the one to drop.
bool Broker::make_room(const Session& session, const Delivery& fresh) {
    SessionTraffic& traffic = *session.traffic;
    const TimeMs now = core_.now();
    const auto is_full = [&] {
        return traffic.queue.size() >= options_.queue_messages ||
               (cost(session) + fresh.message->size() > options_.client_bytes &&
                traffic.bytes != 0);
    };
    while (is_full()) {
        if (traffic.queue.empty()) return false;
        const bool is_expired = traffic.queue.front().message->is_expired(now);
        if (options_.queue_drops_newest && !is_expired) return false;
        keep(session, change::Finished{traffic.inflight.size()});
        const Delivery dropped = traffic.queue.pop();
        traffic.bytes -= dropped.message->size();
        counters_.add(is_expired ? Count::DroppedExpired : Count::DroppedQueueFull);
    }
    return true;
}

// Sends what waits for this client, as far as its window and outbox allow.
void Broker::pump(Session& session) {
    const Handle handle = session.connection;
    Connection* connection = connections_.find(handle);
    if (!connection || !session.traffic) return;
    while (session.traffic && has_outbox_room(*connection) &&
           send_next(session, handle, *connection)) {}
    session.rest_if_idle();
}

bool Broker::send_next(Session& session, Handle handle, Connection& connection) {
    SessionTraffic& traffic = *session.traffic;
    if (traffic.has_unsent()) {
        const std::uint32_t position = traffic.first_unsent();
        if (commits_.has_ended(traffic.inflight[position].commit)) {
            const std::uint32_t window =
                std::min(connection.receive_maximum, options_.inflight_out);
            if (traffic.current >= window) return false;
            resend(session, handle, connection, position);
            return true;
        }
    }
    if (traffic.queue.empty())
        return !traffic.has_unsent() && replay_some(session, handle, connection);
    if (!has_window(session, connection)) return false;
    const std::uint32_t position = traffic.inflight.size();
    Delivery next = traffic.queue.pop();
    traffic.bytes -= next.message->size();
    if (next.message->is_expired(core_.now()) && !STARLING_SABOTAGED(SendExpired)) {
        counters_.add(Count::DroppedExpired);
        keep(session, change::Finished{STARLING_SABOTAGED(MiscountQueued) ? 0 : position});
    } else {
        start_inflight(session, handle, connection, std::move(next));
    }
    return true;
}

// --- In flight -----------------------------------------------------------------------------------

// Gives the delivery its identifier and sends it; under QoS 2 once the identifier is kept, so that
// no other is ever used for it, and then those behind it wait too.
void Broker::start_inflight(Session& session, Handle handle, Connection& connection,
                            Delivery delivery) {
    SessionTraffic& traffic = session.busy();
    const std::uint32_t position = traffic.inflight.size();
    Inflight entry;
    entry.awaits =
        delivery.qos == Qos::AtLeastOnce ? Inflight::Awaits::Puback : Inflight::Awaits::Pubrec;
    traffic.bytes += delivery.message->size();
    entry.delivery = std::move(delivery);
    entry.packet_id = next_packet_id(session);
    traffic.inflight.push(std::move(entry));
    Inflight& placed = traffic.inflight[position];
    if (placed.awaits == Inflight::Awaits::Pubrec)
        placed.commit = keep_before_sending(session, connection.session,
                                            change::Sent{position, placed.packet_id});
    if (traffic.current == position && commits_.has_ended(placed.commit))
        send_inflight(session, handle, connection, position);
}

// One that this connection has not seen yet: the oldest first [MQTT-4.4.0-1].
void Broker::resend(Session& session, Handle handle, Connection& connection,
                    std::uint32_t position) {
    const Inflight& entry = session.traffic->inflight[position];
    // It may have waited long for its identifier to be kept [MQTT-3.3.2-5].
    if (!entry.was_sent && entry.delivery.message &&
        entry.delivery.message->is_expired(core_.now())) {
        counters_.add(Count::DroppedExpired);
        return finish_inflight(session, position);
    }
    send_inflight(session, handle, connection, position);
}

// What the client takes no packet of counts as sent [MQTT-3.1.2-25].
void Broker::send_inflight(Session& session, Handle handle, Connection& connection,
                           std::uint32_t position) {
    Inflight& entry = session.traffic->inflight[position];
    entry.is_current = true;
    ++session.traffic->current;
    if (entry.awaits == Inflight::Awaits::Pubcomp)  // [MQTT-4.3.3-6]
        return acknowledge(handle, connection, PacketType::Pubrel, entry.packet_id,
                           Reason::Success);
    const bool dup = entry.was_sent && !STARLING_SABOTAGED(ForgetDup);
    entry.was_sent = true;
    const Delivery& delivery = entry.delivery;
    if (write_publish(handle, connection, delivery.message, delivery, entry.packet_id, dup)) return;
    counters_.add(Count::DroppedTooLarge);
    finish_inflight(session, position);
}

// --- Bytes ---------------------------------------------------------------------------------------

// False when the packet is larger than the client takes [MQTT-3.1.2-24]; nothing was written.
bool Broker::write_publish(Handle handle, Connection& connection, const Ref<const Message>& message,
                           const DeliveryTerms& terms, std::uint16_t packet_id, bool dup) {
    const bool is_written = is_plain(connection, *message, terms, packet_id)
                                ? write_plain(connection, message)
                                : write_own_head(connection, message, terms, packet_id, dup);
    if (!is_written) return false;
    counters_.add(Count::PublishSent);
    mark_dirty(handle, connection);
    return true;
}

// Whether the packet is the same for all who get this message by this version.
bool Broker::is_plain(const Connection& connection, const Message& message,
                      const DeliveryTerms& terms, std::uint16_t packet_id) {
    if (packet_id != 0 || terms.retain) return false;
    if (message.plain_frame().size() >= Outbox::kSharedFrom) return false;
    return connection.version != Version::V5 ||
           (!terms.ids && message.expires_at() == kNever && connection.topic_alias_maximum == 0);
}

bool Broker::write_plain(Connection& connection, const Ref<const Message>& message) {
    const Bytes frame = message->has_plain_frame_of(connection.version)
                            ? message->plain_frame()
                            : translated_frame(connection.version, message);
    if (frame.size() > connection.packet_bytes_max) return false;
    busy(connection).outbox.append(frame);
    return true;
}

// Made once for all subscribers that a turn serves one after the other: a message is of version 5
// or below, so there is one other version.
Bytes Broker::translated_frame(Version version, const Ref<const Message>& message) {
    if (translated_of_ == message) return translated_;
    PublishHead head;
    head.version = version;
    head.topic = message->topic();
    head.payload_size = message->payload().size();
    if (version == Version::V5) head.forwarded = message->forwarded();
    translated_.resize(publish_size(head).whole);
    store_bytes(write_publish_head(head, translated_.data()), message->payload());
    translated_of_ = message;
    return translated_;
}

bool Broker::write_own_head(Connection& connection, const Ref<const Message>& message,
                            const DeliveryTerms& terms, std::uint16_t packet_id, bool dup) {
    PublishHead head;
    head.version = connection.version;
    head.qos = terms.qos;
    head.dup = dup;
    head.retain = terms.retain;
    head.packet_id = packet_id;
    head.topic = message->topic();
    head.payload_size = message->payload().size();
    if (connection.version == Version::V5) {
        head.forwarded = message->forwarded();
        if (terms.ids) head.subscription_identifiers = terms.ids->values;
        if (message->expires_at() != kNever) {  // [MQTT-3.3.2-6]
            // To the nearest second: another core's clock may be a turn ahead of ours.
            const TimeMs now = core_.now();
            const TimeMs left = message->expires_at() > now ? message->expires_at() - now : 0;
            head.expiry_interval_s = left == 0 ? 0 : std::max<TimeMs>((left + 500) / 1000, 1);
        }
    }
    PublishSize size = publish_size(head);
    if (size.whole > connection.packet_bytes_max) return false;
    if (connection.topic_alias_maximum != 0) {
        use_alias(connection, head);
        size = publish_size(head);
    }
    Outbox& outbox = busy(connection).outbox;
    write_publish_head(head, outbox.extend(size.head).data());
    outbox.append_payload(message);
    return true;
}

// Says the topic by an alias where that fits: with a short topic, or a new alias, the packet grows.
void Broker::use_alias(Connection& connection, PublishHead& head) {
    bool is_known = false;
    PublishHead shorter = head;
    shorter.topic_alias = outgoing_alias(connection, head.topic, is_known);
    if (shorter.topic_alias == 0) return;
    if (is_known) shorter.topic = {};
    if (publish_size(shorter).whole <= connection.packet_bytes_max) head = shorter;
    else if (!is_known) connection.traffic->aliases_out.pop_back();
}

// The alias of a topic that this connection was told, or a new one while there is room, or 0.
std::uint16_t Broker::outgoing_alias(Connection& connection, std::string_view topic,
                                     bool& is_known) {
    auto& aliases = connection.busy().aliases_out;
    const auto at = std::find(aliases.begin(), aliases.end(), topic);
    is_known = at != aliases.end();
    if (is_known) return static_cast<std::uint16_t>(at - aliases.begin() + 1);
    if (aliases.size() >= connection.topic_alias_maximum) return 0;
    aliases.emplace_back(topic);
    return static_cast<std::uint16_t>(aliases.size());
}

}  // namespace starling
