// The further streams of a client whose transport carries several.
//
// Each is a channel: a Connection with a Session of its own, and so with its own window, queue,
// aliases and subscriptions, that hangs on the client's session (`control`) and ends with its
// stream. When it is the connection that ends, the client's session inherits what the channel is
// still to deliver, if the session goes on. A subscription is delivered on the channel that made
// it. Packet identifiers of deliveries are given out for all channels together, so that an
// acknowledgement finds its delivery whichever way it comes.
#include <algorithm>

#include "broker/broker.h"

namespace starling {

// --- Coming and going ----------------------------------------------------------------------------

// Takes what streams the client has opened. REQUIRES: it is connected.
void Broker::open_channels(Handle handle) {
    if (stopping_ != Stopping::No) return;
    const Connection& control = connections_[handle.index];
    while (std::unique_ptr<Stream> stream = control.stream->accept())
        open_channel(control, std::move(stream));
}

void Broker::open_channel(const Connection& control, std::unique_ptr<Stream> stream) {
    Session& client = sessions_[control.session.index];
    Session fresh;
    fresh.id = client.id;
    fresh.id_hash = client.id_hash;
    fresh.control = control.session.index;
    fresh.next_channel = client.next_channel;
    const Handle session = sessions_.emplace(std::move(fresh));
    client.next_channel = session.index;

    const Handle handle = connections_.emplace(std::move(stream));
    Connection& channel = connections_[handle.index];
    sessions_[session.index].connection = handle;
    channel.session = session;
    channel.is_channel = true;
    channel.state = Connection::State::Connected;
    channel.version = control.version;
    channel.identity = control.identity;
    channel.receive_maximum = control.receive_maximum;
    channel.packet_bytes_max = control.packet_bytes_max;
    channel.topic_alias_maximum = control.topic_alias_maximum;
    channel.wants_problem_information = control.wants_problem_information;
    counters_.add(Count::ChannelsOpened);
    if (!channel.stream->attach(core_.poller(), token(TokenKind::Connection, handle)))
        drop(handle, channel);
}

// Forgets what the channel had: its stream goes on only to end.
void Broker::leave_channel(Connection& channel) {
    const Handle handle = std::exchange(channel.session, {});
    Session& session = sessions_[handle.index];
    session.connection = {};
    std::uint32_t* link = &sessions_[session.control].next_channel;
    while (*link != handle.index) link = &sessions_[*link].next_channel;
    *link = session.next_channel;
    discard_session(handle, session);
}

// The connection has gone. The first stream tells it too, perhaps later, as it may have more to be
// read: until then the channel keeps what the session is to inherit.
bool Broker::is_left_to_control(const Connection& channel) {
    return channel.is_channel && channel.state == Connection::State::Connected &&
           !channel.stream->has_connection();
}

// The client has gone, and its other streams with it.
void Broker::drop_channels(Handle control) {
    Session& client = sessions_[control.index];
    const bool inherits = options_.keeps_stream_subscriptions && client.expiry_s != 0;
    while (client.next_channel != Session::kNone) {
        Session& channel = sessions_[client.next_channel];
        if (inherits) inherit(control, channel);
        drop(channel.connection, connections_[channel.connection.index]);
    }
}

// What the client has not acknowledged comes anew on its first stream, when it is back. QoS 2 once
// sent does not: on another stream nothing would tell that it is the same.
void Broker::inherit(Handle control, Session& channel) {
    inherit_subscriptions(control, channel);
    if (!channel.traffic) return;
    Session& client = sessions_[control.index];
    SessionTraffic& left = *channel.traffic;
    left.bytes = 0;  // all of it leaves, and is counted where it goes
    while (!left.inflight.empty()) {
        Inflight entry = left.inflight.pop();
        const bool is_whole = !entry.was_sent || entry.awaits == Inflight::Awaits::Puback;
        if (is_whole) enqueue(client, std::move(entry.delivery));
    }
    while (!left.queue.empty()) enqueue(client, left.queue.pop());
    while (!left.replays.empty()) {
        Replay begun = left.replays.pop();
        Replay replay;  // from its beginning: an answer that is on its way would not come here
        replay.filter = std::move(begun.filter);
        replay.qos = begun.qos;
        replay.ids = std::move(begun.ids);
        start_replay(client, std::move(replay));
    }
}

// One to each filter: the client's own, or the first that is met.
void Broker::inherit_subscriptions(Handle control, Session& channel) {
    Session& client = sessions_[control.index];
    while (channel.first_subscription != SubscriptionTable::kNone) {
        const std::uint32_t place = channel.first_subscription;
        const std::string filter = subscriptions_.filter_text(subscriptions_[place]);
        if (subscriptions_.find(client.first_subscription, filter) != SubscriptionTable::kNone) {
            remove_subscription(channel, place);
            continue;
        }
        subscriptions_.bequeath(channel.first_subscription, control.index,
                                client.first_subscription);
        --channel.subscriptions;
        ++client.subscriptions;
        keep(client, change::Subscribed{filter, subscriptions_[place].terms});
    }
}

// A stream asks for what the client's session had inherited: there it goes on.
void Broker::take_over_inherited(const Session& channel, std::string_view filter) {
    if (!channel.is_channel()) return;
    Session& client = sessions_[channel.control];
    const std::uint32_t place = subscriptions_.find(client.first_subscription, filter);
    if (place == SubscriptionTable::kNone || !subscriptions_[place].terms.is_inherited) return;
    unsubscribe(client, filter);
}

// Ends this stream alone; the others go on.
void Broker::reset_channel(Handle handle, Connection& channel, Reason reason) {
    channel.stream->reset(static_cast<std::uint32_t>(reason));
    drop(handle, channel);
}

// The client will say no more on it: what is to be written goes out first.
void Broker::finish_channel(Handle handle, Connection& channel) {
    leave_channel(channel);
    start_closing(handle, channel);
}

// --- Packets -------------------------------------------------------------------------------------

void Broker::on_channel_packet(Handle handle, Connection& channel, const Frame& frame) {
    hear_channel(channel);
    switch (frame.type) {
        case PacketType::Pingreq: return;  // its answer belongs on the first stream
        case PacketType::Disconnect: return on_channel_disconnect(handle, channel, frame);
        case PacketType::Auth:
            return fail(handle, channel, protocol_error("AUTH beside the first stream"));
        default: return on_session_packet(handle, channel, frame);
    }
}

void Broker::on_channel_disconnect(Handle handle, Connection& channel, const Frame& frame) {
    const auto packet = decode_disconnect(frame, channel.version, Sender::Client);
    if (!packet) return fail(handle, channel, packet.error());
    finish_channel(handle, channel);
}

// Whatever comes on any stream keeps the client alive.
void Broker::hear_channel(const Connection& channel) {
    const Session& session = sessions_[channel.session.index];
    connections_[sessions_[session.control].connection.index].last_packet_at = core_.now();
}

// --- What belongs to the client as a whole -------------------------------------------------------

std::uint32_t Broker::client_of(std::uint32_t session) const {
    const std::uint32_t control = sessions_[session].control;
    return control == Session::kNone ? session : control;
}

// The client's session and its channels, by their places.
template <typename Visit>
void Broker::for_each_channel(std::uint32_t session, Visit visit) const {
    for (std::uint32_t at = client_of(session); at != Session::kNone;
         at = sessions_[at].next_channel)
        visit(at);
}

std::uint32_t Broker::subscriptions_of_client(std::uint32_t session) const {
    std::uint32_t subscriptions = 0;
    for_each_channel(session,
                     [&](std::uint32_t at) { subscriptions += sessions_[at].subscriptions; });
    return subscriptions;
}

bool Broker::has_paused_channel(std::uint32_t session) const {
    bool has_paused = false;
    for_each_channel(session, [&](std::uint32_t at) {
        const Connection& channel = connections_[sessions_[at].connection.index];
        has_paused = has_paused || channel.pause != Connection::Pause::None;
    });
    return has_paused;
}

// The channel where the delivery of this identifier is in flight, or the one given.
Handle Broker::find_sender(Handle session, std::uint16_t packet_id) {
    std::uint32_t position = 0;
    Handle found = session;
    for_each_channel(session.index, [&](std::uint32_t at) {
        if (sessions_[at].find_inflight(packet_id, position)) found = sessions_.handle(at);
    });
    return found;
}

// The PUBREL of a QoS 2 PUBLISH may come another way than it did.
bool Broker::forget_received(std::uint32_t session, std::uint16_t packet_id) {
    const auto forget = [&](std::uint32_t at) {
        Session& one = sessions_[at];
        if (!one.traffic || !one.traffic->forget(packet_id)) return false;
        keep(one, change::Forgotten{packet_id});
        one.rest_if_idle();
        return true;
    };
    bool was_known = forget(session);
    for_each_channel(session, [&](std::uint32_t at) { was_known = was_known || forget(at); });
    return was_known;
}

// Subscriptions on all channels but this one. False when there were none.
bool Broker::unsubscribe_elsewhere(std::uint32_t session, std::string_view filter) {
    bool was_known = false;
    for_each_channel(session, [&](std::uint32_t at) {
        if (at != session) was_known = unsubscribe(sessions_[at], filter) || was_known;
    });
    return was_known;
}

// An identifier that is free again may be what another channel waits for.
void Broker::pump_channels(std::uint32_t session) {
    for_each_channel(session, [&](std::uint32_t at) { pump(sessions_[at]); });
}

// Each channel has a window of its own, and all together one identifier for each delivery.
bool Broker::has_packet_ids(const Session& session) const {
    const Session* channel = session.is_channel() ? &sessions_[session.control] : &session;
    std::uint32_t used = 0;
    while (true) {
        if (channel->traffic) used += channel->traffic->inflight.size();
        if (channel->next_channel == Session::kNone) return used < limits::kPacketIds;
        channel = &sessions_[channel->next_channel];
    }
}

// A packet identifier that no delivery in flight on any channel uses [MQTT-2.2.1-4]. Looks at them
// all once in a while. REQUIRES: fewer than 65,535 are in flight.
std::uint16_t Broker::next_packet_id(Session& session) {
    Session& client = session.is_channel() ? sessions_[session.control] : session;
    for (;;) {
        if (client.free_ids == 0) client.free_ids = distance_to_used_id(client);
        ++client.last_packet_id;
        if (client.free_ids == 0) continue;  // the very next is in use
        --client.free_ids;
        if (client.last_packet_id != 0) return client.last_packet_id;
    }
}

// Of the identifiers behind the last one given out, how many come before one in use.
std::uint16_t Broker::distance_to_used_id(const Session& client) const {
    std::uint16_t distance = client.distance_to_used_id(client.last_packet_id);
    for (std::uint32_t at = client.next_channel; at != Session::kNone;
         at = sessions_[at].next_channel)
        distance = std::min(distance, sessions_[at].distance_to_used_id(client.last_packet_id));
    return distance;
}

}  // namespace starling
