// What each packet from the server means to a client, and what the client sends.
#include <algorithm>
#include <utility>

#include "client/session.h"
#include "mqtt/append.h"
#include "mqtt/decode.h"

namespace starling {
namespace {

// Identifiers in use at a time on all streams, of messages and of requests each: half of those
// there are.
constexpr std::uint32_t kIdsMax = 32'767;

ProtocolError unexpected() {
    return protocol_error("section 4.13: a packet of a type unexpected here");
}

Subscribe subscribe_packet(const SubscribeRequest& request, std::uint16_t packet_id) {
    Subscribe packet{
        .packet_id = packet_id, .subscription_identifier = request.identifier, .filters = {}};
    for (const ClientSubscription& one : request.filters)
        packet.filters.push_back({.filter = one.filter,
                                  .qos = one.qos,
                                  .no_local = one.no_local,
                                  .retain_as_published = one.retain_as_published,
                                  .retain_handling = one.retain_handling});
    return packet;
}

Unsubscribe unsubscribe_packet(const SubscribeRequest& request, std::uint16_t packet_id) {
    Unsubscribe packet{.packet_id = packet_id, .filters = {}};
    for (const ClientSubscription& one : request.filters) packet.filters.push_back(one.filter);
    return packet;
}

void append_publish(ByteVector& out, const PublishHead& head, Bytes payload) {
    std::byte* at = extend(out, publish_size(head).whole);
    store_bytes(write_publish_head(head, at), payload);
}

}  // namespace

// --- Receiving -----------------------------------------------------------------------------------

Result<bool, Disconnection> ClientSession::on_packet(ClientChannel& channel, const Frame& frame,
                                                     Bytes packet) {
    const ClientLink* link = channel.link.get();
    listener_->on_packet(PacketDirection::Received, channel.number, packet);
    const auto done = channel.number == 0 ? on_frame(frame) : on_channel_frame(channel, frame);
    if (!done) return violation(done.error());
    return channel.link.get() == link && !is_leaving();
}

// On the first stream.
Decoded<void> ClientSession::on_frame(const Frame& frame) {
    if (stage_ == Stage::Handshaking && frame.type != PacketType::Connack &&
        frame.type != PacketType::Auth)
        return unexpected();
    switch (frame.type) {
        case PacketType::Connack: return on_connack(frame);
        case PacketType::Pingresp: return on_pingresp();
        case PacketType::Disconnect: return on_disconnect(frame);
        case PacketType::Auth:
            return ProtocolError{Reason::BadAuthenticationMethod,
                                 "section 4.12: no authentication method is known here"};
        default: return on_channel_frame(first_, frame);
    }
}

// On any stream.
Decoded<void> ClientSession::on_channel_frame(ClientChannel& channel, const Frame& frame) {
    switch (frame.type) {
        case PacketType::Publish: return on_publish(channel, frame);
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp: return on_ack(channel, frame);
        case PacketType::Suback:
        case PacketType::Unsuback: return on_suback(channel, frame);
        default: return unexpected();
    }
}

Decoded<void> ClientSession::on_connack(const Frame& frame) {
    if (stage_ != Stage::Handshaking) return unexpected();
    STARLING_TRY(connack, decode_connack(frame, options_.version));
    if (connack.reason != Reason::Success) {
        end({.ending = Ending::Refused,
             .reason = connack.reason,
             .text = connack.properties.reason_string});
        return {};
    }
    if (connack.session_present && asks_clean_start(options_, has_connected_))
        return protocol_error("[MQTT-3.2.2-2] session present after a clean start");

    terms_ = terms_of(connack, options_);
    if (!is_resumed(connack)) first_.on_session_lost();
    if (options_.client_id.empty())
        options_.client_id = connack.properties.assigned_client_identifier;
    addresses_ = {};
    backoff_.reset();
    has_connected_ = true;
    if (!open_further()) {
        if (first_.link->stream().has_connection()) refuse_streams();
        else
            end({.ending = Ending::Lost, .text = "the connection ended while streams were opened"});
        return {};
    }
    enter(Stage::Connected, next_ping());
    mark_dirty();
    listener_->on_connected({.session_present = connack.session_present,
                             .client_id = options_.client_id,
                             .properties = connack.properties});
    return {};
}

// MQTT 3.1 does not tell.
bool ClientSession::is_resumed(const Connack& connack) const {
    if (options_.version == Version::V3) return has_connected_ && !options_.clean_start;
    return connack.session_present;
}

// Acknowledged first, so that a handler may disconnect.
Decoded<void> ClientSession::on_publish(ClientChannel& channel, const Frame& frame) {
    STARLING_TRY(publish, decode_publish(frame, options_.version, Sender::Server));
    STARLING_TRY(topic, topic_of(channel, publish));
    if (publish.qos == Qos::AtLeastOnce) send_ack(channel, PacketType::Puback, publish.packet_id);
    if (publish.qos == Qos::ExactlyOnce) {
        const bool is_new = channel.received.insert(publish.packet_id);
        if (channel.received.size() > options_.receive_maximum)
            return ProtocolError{Reason::ReceiveMaximumExceeded,
                                 "[MQTT-3.3.4-9] more QoS 2 messages than the receive maximum"};
        send_ack(channel, PacketType::Pubrec, publish.packet_id);
        if (!is_new) return {};
    }
    deliver(channel, publish, topic);
    return {};
}

Decoded<std::string_view> ClientSession::topic_of(ClientChannel& channel, const Publish& publish) {
    const std::uint16_t alias = publish.topic_alias;
    if (alias == 0) return publish.topic;
    if (alias > options_.topic_alias_maximum)
        return ProtocolError{Reason::TopicAliasInvalid,
                             "[MQTT-3.1.2-26] [MQTT-3.1.2-27] topic alias above the maximum"};
    if (!publish.topic.empty()) channel.aliases_in.set(alias, publish.topic);
    const std::string_view topic = channel.aliases_in.topic(alias);
    if (topic.empty()) return protocol_error("section 3.3.2.3.4: a topic alias that was never set");
    return topic;
}

void ClientSession::deliver(const ClientChannel& channel, const Publish& publish,
                            std::string_view topic) {
    const IncomingMessage message{.topic = topic,
                                  .payload = publish.payload,
                                  .qos = publish.qos,
                                  .dup = publish.dup,
                                  .retain = publish.retain,
                                  .stream = channel.number,
                                  .packet_id = publish.packet_id,
                                  .topic_alias = publish.topic_alias,
                                  .expiry_interval_s = publish.expiry_interval_s,
                                  .properties = publish.properties};
    if (dispatch_.call(message) == 0) listener_->on_message(message);
}

Decoded<void> ClientSession::on_ack(ClientChannel& channel, const Frame& frame) {
    STARLING_TRY(ack, decode_ack(frame, options_.version));
    switch (frame.type) {
        case PacketType::Puback: on_answer(channel, ack, Qos::AtLeastOnce); break;
        case PacketType::Pubrec: on_pubrec(channel, ack); break;
        case PacketType::Pubrel: on_pubrel(channel, ack); break;
        default: on_answer(channel, ack, Qos::ExactlyOnce); break;
    }
    return {};
}

// PUBACK and PUBCOMP end a message; those that answer nothing are disregarded.
void ClientSession::on_answer(ClientChannel& channel, const Ack& ack, Qos qos) {
    const auto* entry = channel.inflight.find(ack.packet_id);
    if (!entry || entry->qos != qos) return;
    finish(channel.inflight.take(ack.packet_id), ack.reason);
}

void ClientSession::on_pubrec(ClientChannel& channel, const Ack& ack) {
    const auto* entry = channel.inflight.find(ack.packet_id);
    if (!entry || entry->qos != Qos::ExactlyOnce)
        return send_ack(channel, PacketType::Pubrel, ack.packet_id,
                        Reason::PacketIdentifierNotFound);
    if (is_error(ack.reason)) return finish(channel.inflight.take(ack.packet_id), ack.reason);
    channel.inflight.release(ack.packet_id);
    send_ack(channel, PacketType::Pubrel, ack.packet_id);
}

void ClientSession::on_pubrel(ClientChannel& channel, const Ack& ack) {
    const bool is_known = channel.received.erase(ack.packet_id);
    send_ack(channel, PacketType::Pubcomp, ack.packet_id,
             is_known ? Reason::Success : Reason::PacketIdentifierNotFound);
}

// The place is free before the application hears of it.
void ClientSession::finish(ClientInflight::Entry entry, Reason reason) {
    mark_dirty();
    if (entry.done) entry.done(reason);
}

Decoded<void> ClientSession::on_suback(ClientChannel& channel, const Frame& frame) {
    STARLING_TRY(answer, decode_suback(frame, options_.version));
    const auto done = channel.subscriptions.take_answer(frame.type, answer);
    if (done && *done) (*done)(answer.reasons);
    return {};
}

Decoded<void> ClientSession::on_pingresp() {
    pinged_at_ = 0;
    if (stage_ == Stage::Connected) wake(next_ping());
    return {};
}

Decoded<void> ClientSession::on_disconnect(const Frame& frame) {
    if (options_.version != Version::V5) return unexpected();
    STARLING_TRY(packet, decode_disconnect(frame, options_.version, Sender::Server));
    end({.ending = Ending::Disconnected,
         .reason = packet.reason,
         .text = packet.properties.reason_string});
    return {};
}

// --- Sending -------------------------------------------------------------------------------------

void ClientSession::send_ack(ClientChannel& channel, PacketType type, std::uint16_t packet_id,
                             Reason reason) {
    send(channel,
         [&](ByteVector& out) { encode_ack(out, options_.version, type, packet_id, reason); });
}

bool ClientSession::request(std::uint16_t stream, ClientSubscriptions::Request request) {
    const std::uint32_t requests_max = std::min(options_.subscriptions_max, ids_max());
    if (!channel(stream).subscriptions.push(std::move(request), requests_max)) return false;
    mark_dirty();
    return true;
}

void ClientSession::send_requests(ClientChannel& channel) {
    while (auto* request = channel.subscriptions.next()) {
        const std::uint16_t packet_id = free_packet_id();
        const SubscribeRequest& content = request->content;
        channel.subscriptions.await_answer(*request, packet_id);
        send(channel, [&](ByteVector& out) {
            if (request->type == PacketType::Subscribe)
                encode_subscribe(out, options_.version, subscribe_packet(content, packet_id),
                                 content.properties);
            else
                encode_unsubscribe(out, options_.version, unsubscribe_packet(content, packet_id),
                                   content.properties);
        });
    }
}

bool ClientSession::publish(OutgoingMessage message, PublishDone done) {
    ClientInflight& inflight = channel(message.stream).inflight;
    if (!inflight.push(std::move(message), std::move(done), options_)) return false;
    mark_dirty();
    return true;
}

// Nothing may wait: it would be overtaken.
bool ClientSession::publish_now(const MessageView& message, PublishDone done) {
    STARLING_ASSERT(options_.clean_start && options_.session_expiry_interval_s == 0);
    ClientChannel& its_channel = channel(message.stream);
    if (!may_publish_now(its_channel)) {
        its_channel.wants_room = true;
        return false;
    }
    const bool is_answered = message.qos != Qos::AtMostOnce;
    const PublishHead head{.version = options_.version,
                           .qos = message.qos,
                           .retain = message.retain,
                           .packet_id = is_answered ? free_packet_id() : std::uint16_t{0},
                           .topic = message.topic,
                           .payload_size = message.payload.size()};
    const Reason objection =
        terms_.objection(message.qos, message.retain, publish_size(head).whole);
    if (objection == Reason::Success)
        send(its_channel, [&](ByteVector& out) { append_publish(out, head, message.payload); });
    if (objection == Reason::Success && is_answered)
        its_channel.inflight.await_answer(message.qos, head.packet_id, std::move(done));
    else if (done) done(objection);
    return true;
}

bool ClientSession::may_publish_now(const ClientChannel& channel) const {
    return stage_ == Stage::Connected && channel.inflight.has_place(window()) &&
           !channel.link->is_congested();
}

std::uint32_t ClientSession::ids_max() const { return kIdsMax / (1u + options_.further_streams); }

std::uint32_t ClientSession::window() const {
    return std::min(
        {std::uint32_t{options_.inflight_max}, std::uint32_t{terms_.receive_maximum}, ids_max()});
}

bool ClientSession::may_send_message(const ClientChannel& channel) const {
    return stage_ == Stage::Connected && channel.inflight.may_send(window());
}

void ClientSession::send_next_message(ClientChannel& channel) {
    ClientInflight& inflight = channel.inflight;
    ClientInflight::Entry& entry = inflight.next();
    if (entry.is_released) {
        // A session that the server has lost took the rest of the exchange with it.
        if (entry.packet_id == 0) return finish(inflight.take_next(), Reason::Success);
        send_ack(channel, PacketType::Pubrel, entry.packet_id);
        return inflight.await_answer();
    }

    const bool is_resent = entry.packet_id != 0;
    const bool is_answered = entry.qos != Qos::AtMostOnce;
    if (is_answered && !is_resent) entry.packet_id = free_packet_id();
    const PublishHead head = publish_head(channel, entry, is_resent);
    const Reason objection = terms_.objection(entry.qos, head.retain, publish_size(head).whole);
    if (objection != Reason::Success) return finish(inflight.take_next(), objection);

    if (head.topic_alias != 0) channel.aliases_out.set(head.topic_alias, entry.message->topic);
    send(channel, [&](ByteVector& out) { append_publish(out, head, entry.message->payload); });
    if (is_answered) inflight.await_answer();
    else finish(inflight.take_next(), Reason::Success);
}

// The topic is left out when the server knows it by its alias.
PublishHead ClientSession::publish_head(const ClientChannel& channel,
                                        const ClientInflight::Entry& entry, bool is_resent) const {
    const OutgoingMessage& message = *entry.message;
    const bool has_alias =
        message.topic_alias != 0 && message.topic_alias <= terms_.topic_alias_maximum;
    const bool is_known =
        has_alias && channel.aliases_out.topic(message.topic_alias) == message.topic;
    return {.version = options_.version,
            .qos = message.qos,
            .dup = is_resent,
            .retain = message.retain,
            .packet_id = entry.packet_id,
            .topic_alias = has_alias ? message.topic_alias : std::uint16_t{0},
            .expiry_interval_s = message.expiry_interval_s,
            .topic = is_known ? std::string_view{} : std::string_view(message.topic),
            .forwarded = message.properties.block(),
            .payload_size = message.payload.size()};
}

// Of the two tables that use identifiers, neither can hold half of them. They are searched only
// where the last search did not look. One identifier is in use on one stream only: a server may
// count them for a stream, or for all together.
std::uint16_t ClientSession::free_packet_id() {
    for (;;) {
        if (++last_packet_id_ == 0) {
            last_packet_id_ = 1;
            unused_packet_ids_ = 0;
        }
        if (unused_packet_ids_ == 0) unused_packet_ids_ = unused_from(last_packet_id_);
        if (unused_packet_ids_ == 0) continue;
        --unused_packet_ids_;
        return last_packet_id_;
    }
}

// How many identifiers from this one on are not in use on any stream.
std::uint16_t ClientSession::unused_from(std::uint16_t packet_id) {
    std::uint16_t nearest = 0xFFFF;
    for_each_channel([&](ClientChannel& one) {
        nearest = std::min({nearest, one.inflight.unused_from(packet_id),
                            one.subscriptions.unused_from(packet_id)});
    });
    return nearest;
}

}  // namespace starling
