// A PUBLISH from a client.
#include <algorithm>

#include "base/sabotage.h"
#include "broker/broker.h"
#include "mqtt/topic.h"

namespace starling {

void Broker::on_publish(Handle handle, Connection& connection, const Frame& frame) {
    const Hashed recent = recent_topics_.find(handle);
    const auto publish = decode_publish(frame, connection.version, Sender::Client, recent.text);
    if (!publish) return fail(handle, connection, publish.error());
    if (publish->qos > options_.maximum_qos)
        return fail(handle, connection, {Reason::QosNotSupported, "section 3.2.2.3.4"});
    if (publish->retain && !options_.retain_available)
        return fail(handle, connection, {Reason::RetainNotSupported, "section 3.2.2.3.5"});

    const auto name = resolve_topic(connection, *publish);
    if (!name) return fail(handle, connection, name.error());
    Hashed topic{*name, recent.hash};
    Reason reason = look_at(handle, recent, topic);
    if (reason == Reason::TopicNameInvalid && publish->qos == Qos::AtMostOnce)
        return fail(handle, connection, {reason, "more topic levels than allowed"});
    if (reason == Reason::Success) {
        Question question;
        question.action = Question::Action::Publish;
        question.client_id = sessions_[connection.session.index].id;
        question.topic = topic.text;
        question.qos = publish->qos;
        question.retain = publish->retain;
        if (!consult(handle, connection, {&question, 1})) return;
        reason = reason_of(verdicts_.front());
        if (reason != Reason::Success) counters_.add(Count::Denied);
    }
    counters_.add(Count::PublishReceived);
    accept_publish(handle, connection, *publish, topic, reason);
}

// Hashes and judges the topic, unless it is the one that came last.
Reason Broker::look_at(Handle handle, const Hashed& recent, Hashed& topic) {
    if (topic.text == recent.text) return Reason::Success;
    topic = hashed(commons_.key, topic.text);
    const Reason reason = judge_topic(topic.text);
    if (reason == Reason::Success) recent_topics_.remember(handle, topic);
    return reason;
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
    // A short one cannot have so many.
    if (topic.size() >= options_.topic_levels && level_count(topic) > options_.topic_levels)
        return Reason::TopicNameInvalid;
    if (topic == "$SYS" || topic.starts_with("$SYS/")) return Reason::NotAuthorized;
    return Reason::Success;
}

void Broker::accept_publish(Handle handle, Connection& connection, const Publish& publish,
                            const Hashed& topic, Reason reason) {
    const bool is_exact = publish.qos == Qos::ExactlyOnce;
    if (is_exact && answer_repeated(handle, connection, publish)) return;
    const std::uint64_t seen = commits_.changes();
    Session& session = sessions_[connection.session.index];
    PendingAck ack;
    ack.packet_id = publish.packet_id;
    ack.type = is_exact ? PacketType::Pubrec : PacketType::Puback;
    ack.reason = reason;
    const bool is_told_errors = connection.version == Version::V5;
    const bool is_remembered = is_exact && !(is_told_errors && is_error(reason));
    if (is_remembered && !STARLING_SABOTAGED(ForgetQos2Identifier)) {
        session.busy().remember(publish.packet_id);
        keep(session, change::Received{publish.packet_id});
    }
    if (reason == Reason::Success) {
        const Ref<const Message> message = make_message(connection, publish, topic);
        if (publish.qos == Qos::AtMostOnce) return route(message, {});
        ack.ticket = tickets_.emplace(
            Ticket{connection.session, publish.packet_id, is_exact, is_told_errors});
        tickets_[ack.ticket.index].since = core_.now();
        route(message, ack.ticket);
        const bool is_settled =
            --tickets_[ack.ticket.index].open == 0 || STARLING_SABOTAGED(SettleEarly);
        if (is_settled) ack.reason = close_ticket(std::exchange(ack.ticket, {}));
    }
    if (publish.qos == Qos::AtMostOnce) return;
    ack.commit = commit_since(seen);
    owe(handle, connection, ack);
}

Ref<const Message> Broker::make_message(const Connection& connection, const Publish& publish,
                                        const Hashed& topic) const {
    MessageParts parts;
    parts.topic = topic;
    parts.payload = publish.payload;
    parts.properties = publish.properties;
    parts.version = connection.version;
    parts.qos = publish.qos;
    parts.retain = publish.retain;
    const Session& session = sessions_[connection.session.index];
    parts.publisher = {
        core_.id(), session.is_channel() ? sessions_.handle(session.control) : connection.session};
    parts.publisher_hash = session.id_hash;
    if (publish.expiry_interval_s != kNoMessageExpiry)
        parts.expires_at = core_.now() + publish.expiry_interval_s * 1000;
    return Message::make(parts);
}

// A QoS 2 PUBLISH whose identifier is in use is the one we know [MQTT-4.3.3-10]. True when it is,
// or when there are too many.
bool Broker::answer_repeated(Handle handle, Connection& connection, const Publish& publish) {
    const Session& session = sessions_[connection.session.index];
    if (!session.traffic) return false;
    if (session.traffic->remembers(publish.packet_id)) {
        PendingAck ack;
        ack.ticket = find_ticket(connection.session, publish.packet_id);
        ack.packet_id = publish.packet_id;
        ack.type = PacketType::Pubrec;
        ack.commit = commit_so_far(session);
        owe(handle, connection, ack);
        return true;
    }
    if (session.traffic->received.size() < options_.inflight_in) return false;
    fail(handle, connection, {Reason::ReceiveMaximumExceeded, "[MQTT-3.3.4-7]"});
    return true;
}

// --- Acknowledgements ----------------------------------------------------------------------------

// The QoS 2 ticket that is open for this identifier, if any. Asked for repeated packets only.
Handle Broker::find_ticket(Handle session, std::uint16_t packet_id) {
    Handle found;
    tickets_.for_each([&](Handle handle, Ticket& ticket) {
        if (!ticket.is_exact || ticket.session != session || ticket.packet_id != packet_id) return;
        ticket.was_repeated = true;
        found = handle;
    });
    return found;
}

// A core has answered, or this one has done its part.
void Broker::settle(Handle handle, std::uint32_t receivers, bool was_retained) {
    Ticket* ticket = tickets_.find(handle);
    if (!ticket) return;
    ticket->receivers += receivers;
    ticket->was_retained = ticket->was_retained && was_retained;
    if (--ticket->open == 0) pay_ticket(handle);
}

// Every core has answered: says what the publisher is told, and forgets the ticket.
Reason Broker::close_ticket(Handle handle) {
    const Ticket ticket = tickets_[handle.index];
    tickets_.erase(handle);
    Reason reason = Reason::Success;
    if (!ticket.was_retained) reason = Reason::QuotaExceeded;
    else if (ticket.receivers == 0) reason = Reason::NoMatchingSubscribers;
    // An error that the client hears of makes the identifier new [MQTT-4.3.3-9].
    Session* session = sessions_.find(ticket.session);
    if (session && session->traffic && ticket.is_exact && ticket.is_told_errors &&
        is_error(reason)) {
        session->traffic->forget(ticket.packet_id);
        keep(*session, change::Forgotten{ticket.packet_id});
    }
    if (session) session->rest_if_idle();
    return reason;
}

// The last core has answered, turns after the PUBLISH.
void Broker::pay_ticket(Handle handle) {
    const Ticket ticket = tickets_[handle.index];
    const std::uint64_t seen = commits_.changes();
    const Reason reason = close_ticket(handle);
    const std::uint64_t commit = commit_since(seen);  // of the identifier that is new again
    const Session* session = sessions_.find(ticket.session);
    Connection* connection = session ? connections_.find(session->connection) : nullptr;
    if (!connection || !connection->traffic) return;
    Fifo<PendingAck>& acks = connection->traffic->acks;
    for (std::uint32_t at = 0; at < acks.size(); ++at) {
        if (acks[at].ticket != handle) continue;
        acks[at].ticket = {};
        acks[at].reason = reason;
        acks[at].commit = std::max(acks[at].commit, commit);
        if (!ticket.was_repeated) break;
    }
    if (!commits_.has_ended(commit))
        await_commit(commit, AfterCommit::Acknowledgements{session->connection});
    pay_acks(session->connection, *connection);
}

void Broker::owe(Handle handle, Connection& connection, const PendingAck& ack) {
    const bool is_first = !connection.traffic || connection.traffic->acks.empty();
    const bool is_kept = commits_.has_ended(ack.commit);
    if ((is_first || STARLING_SABOTAGED(AcknowledgeOutOfOrder)) && !ack.ticket && is_kept)
        return acknowledge(handle, connection, ack.type, ack.packet_id, ack.reason);
    connection.busy().acks.push(ack);
    if (!is_kept) await_commit(ack.commit, AfterCommit::Acknowledgements{handle});
}

// Sends what is owed, in the order of the PUBLISHes, up to the first that waits [MQTT-4.6.0-2]
// [MQTT-4.6.0-3].
void Broker::pay_acks(Handle handle, Connection& connection) {
    Fifo<PendingAck>& acks = connection.traffic->acks;
    while (!acks.empty() && !acks.front().ticket && commits_.has_ended(acks.front().commit)) {
        const PendingAck ack = acks.pop();
        acknowledge(handle, connection, ack.type, ack.packet_id, ack.reason);
    }
    if (connection.pause == Connection::Pause::Acks && acks.size() < options_.inflight_in)
        resume(handle, connection);
    if (connection.is_channel && acks.empty()) read_again(handle, connection);  // it may have ended
}

void Broker::acknowledge(Handle handle, Connection& connection, PacketType type,
                         std::uint16_t packet_id, Reason reason) {
    // Below version 5 a refused message is acknowledged all the same [MQTT311-3.3.5-2].
    if (connection.version != Version::V5 || reason == Reason::Success) {
        busy(connection).outbox.append(encode_short_ack(type, packet_id));
        return mark_dirty(handle, connection);
    }
    encode_ack(frame_, connection.version, type, packet_id, reason);
    send_frame(handle, connection);
}

}  // namespace starling
