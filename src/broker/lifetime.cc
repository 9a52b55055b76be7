// How connections and sessions end, and what is published then.
#include "base/sabotage.h"
#include "broker/broker.h"

namespace starling {
// --- Connections ---------------------------------------------------------------------------------

// The peer broke a rule.
void Broker::fail(Handle handle, Connection& connection, const ProtocolError& error) {
    counters_.add(Count::ProtocolErrors);
    log_fault(connection, error);
    if (connection.state == Connection::State::Connected)
        return disconnect(handle, connection, error.reason);
    drop(handle, connection);
}

// The broker ends the connection, and tells why where the version can [MQTT-3.14.0-1].
// REQUIRES: it is connected.
void Broker::disconnect(Handle handle, Connection& connection, Reason reason) {
    if (connection.is_channel) return reset_channel(handle, connection, reason);
    leave_session(connection, true, reason_name(reason));
    if (connection.version == Version::V5) {
        encode_disconnect(frame_, connection.version, reason, {},
                          {{}, connection.packet_bytes_max});
        send_frame(handle, connection);
    }
    start_closing(handle, connection);
}

void Broker::start_closing(Handle handle, Connection& connection) {
    if (connection.state == Connection::State::AwaitsConnect) handshaking_.remove(handle.index);
    connection.state = Connection::State::Closing;
    connection.last_packet_at = core_.now();  // from which the linger counts
    if (connection.pause != Connection::Pause::None) resume(handle, connection);
    arm(handle, connection, core_.now() + limits::kLingerMs);
    mark_dirty(handle, connection);
}

// The connection is gone, or is to be at once; an error is that of its stream.
void Broker::drop(Handle handle, Connection& connection, const Error* error) {
    if (connection.state == Connection::State::Gone) return;
    if (connection.state == Connection::State::AwaitsConnect) handshaking_.remove(handle.index);
    if (connection.state == Connection::State::Connected) {
        if (connection.is_channel) leave_channel(connection);
        else leave_session(connection, true, "connection lost", error);
    }
    connection.state = Connection::State::Gone;
    gone_.push_back(handle);
}

void Broker::on_disconnect(Handle handle, Connection& connection, const Frame& frame) {
    const auto packet = decode_disconnect(frame, connection.version, Sender::Client);
    if (!packet) return fail(handle, connection, packet.error());
    if (packet->properties.has(Property::SessionExpiryInterval)) {
        const std::uint32_t wanted = packet->properties.session_expiry_interval_s;
        if (connection.connected_expiry_s == 0 && wanted != 0)
            return fail(handle, connection,
                        protocol_error("section 3.14.2.2.2: a session expiry interval after 0"));
        set_expiry(sessions_[connection.session.index],
                   std::min(wanted, options_.session_expiry_max_s));
    }
    const bool keeps_will = packet->reason != Reason::Success;  // [MQTT-3.14.4-3]
    leave_session(connection, keeps_will, "said good-bye");
    start_closing(handle, connection);
}

void Broker::on_connection_timer(Handle handle) {
    Connection* connection = connections_.find(handle);
    if (!connection || connection->state == Connection::State::Gone) return;
    if (connection->timer_at > core_.now()) return;
    connection->timer_at = kNever;
    if (connection->pause == Connection::Pause::Authorizer) {
        const TimeMs end = connection->traffic->consultation->asked_at +
                           limits::kAuthorizerTimeoutS * TimeMs{1000};
        if (end <= core_.now()) give_up_consultation(handle, *connection);
        else arm(handle, *connection, end);
    }
    if (connection->state == Connection::State::Closing) {
        // While the broker stops, who reads slowly has until the end of it.
        const bool has_longer = stopping_ != Stopping::No && !connection->has_finished;
        const TimeMs end = has_longer ? stop_at_ : connection->last_packet_at + limits::kLingerMs;
        return end > core_.now() ? arm(handle, *connection, end) : drop(handle, *connection);
    }
    if (connection->state == Connection::State::AwaitsConnect) {
        if (connection->pause != Connection::Pause::None) connection->last_packet_at = core_.now();
        const TimeMs end = connection->last_packet_at + options_.connect_timeout_s * TimeMs{1000};
        return end > core_.now() ? arm(handle, *connection, end) : drop(handle, *connection);
    }
    if (connection->keep_alive_s == 0) return;
    if (has_paused_channel(connection->session.index)) connection->last_packet_at = core_.now();
    const TimeMs due = connection->last_packet_at + connection->keep_alive_s * TimeMs{1500};
    if (due > core_.now()) return arm(handle, *connection, due);
    disconnect(handle, *connection, Reason::KeepAliveTimeout);  // [MQTT-3.1.2-22]
}

// --- Sessions ------------------------------------------------------------------------------------

// The session goes on without its connection, or ends with it.
void Broker::leave_session(Connection& connection, bool keeps_will, const char* why,
                           const Error* error) {
    const Handle handle = connection.session;
    Session& session = sessions_[handle.index];
    log_left(connection, session, why, error);
    drop_channels(handle);
    connection.session = {};
    session.connection = {};
    if (connection.holds_place) commons_.connections.give_back();
    connection.holds_place = false;
    session.absent_since = core_.now();
    absent_.add(handle.index);
    if (!keeps_will) set_will(session, nullptr);
    if (session.expiry_s == 0) return end_session(handle, session);
    keep(session, change::SessionLeft{});

    const TimeMs now = core_.now();
    if (session.traffic) {
        for (std::uint32_t i = 0; i < session.traffic->inflight.size(); ++i)
            session.traffic->inflight[i].is_current = false;
        session.traffic->current = 0;
    }
    session.ends_at =
        session.expiry_s == kNoExpiry ? kNever : now + session.expiry_s * TimeMs{1000};
    if (session.will && (session.will->delay_s == 0 || STARLING_SABOTAGED(IgnoreWillDelay)))
        publish_will(handle, session);
    if (session.will) session.will_due = now + session.will->delay_s * TimeMs{1000};
    const TimeMs due = std::min(session.ends_at, session.will_due);
    if (due != kNever) arm(handle, session, due);
    return_unsent(session, nullptr);
}

// REQUIRES: nobody is connected to it.
void Broker::end_session(Handle handle, Session& session) {
    publish_will(handle, session);  // its delay ends with the session
    absent_.remove(handle.index);
    keep(session, change::SessionEnded{});
    session_index_.erase(session.id_hash, handle.index);
    discard_session(handle, session);
    commons_.sessions.give_back();
}

// Its subscriptions go, and what it leaves to the other members of share groups.
void Broker::discard_session(Handle handle, Session& session) {
    std::vector<Delivery> returned;
    if (session.traffic) {
        SessionTraffic& traffic = *session.traffic;
        for (std::uint32_t i = 0; i < traffic.inflight.size(); ++i) {
            Inflight& entry = traffic.inflight[i];
            // A QoS 2 message once sent is nobody else's [MQTT-4.8.2-5].
            const bool may_return = !entry.was_sent || entry.awaits == Inflight::Awaits::Puback;
            if (entry.delivery.group && (may_return || STARLING_SABOTAGED(ReturnQos2)))
                returned.push_back(std::move(entry.delivery));
        }
        for (std::uint32_t i = 0; i < traffic.queue.size(); ++i)
            if (traffic.queue[i].group) returned.push_back(std::move(traffic.queue[i]));
    }
    while (session.first_subscription != SubscriptionTable::kNone)
        remove_subscription(session, session.first_subscription);
    sessions_.erase(handle);
    for (Delivery& delivery : returned) returning_.push(std::move(delivery));
}

// Returns the one before.
std::unique_ptr<Will> Broker::set_will(Session& session, std::unique_ptr<Will> will) {
    if (session.will || will) keep(session, change::WillSet{will.get()});
    return std::exchange(session.will, std::move(will));
}

void Broker::publish_will(Handle publisher, Session& session) {
    if (!session.will) return;
    const std::unique_ptr<Will> will = set_will(session, nullptr);
    session.will_due = kNever;
    MessageParts parts;
    parts.topic = hashed(commons_.key, will->topic);
    parts.payload = will->payload;
    parts.properties = will->properties;
    parts.qos = will->qos;
    parts.retain = will->retain;
    parts.publisher = {core_.id(), publisher};
    parts.publisher_hash = session.id_hash;
    if (will->expiry_s != kNoMessageExpiry) parts.expires_at = core_.now() + will->expiry_s * 1000;
    outgoing_.push(Message::make(parts));
}

// One session more than there may be: the one that has been absent longest ends, on whatever core.
// REQUIRES: has_credit().
void Broker::evict_absent_session() {
    report_gauges();
    const CoreId oldest = core_of_oldest_absent();
    if (oldest == core_.id()) evict_oldest_here();
    else mailbox_.request(oldest, mail::Evict{});
}

// This one when nobody is absent anywhere.
CoreId Broker::core_of_oldest_absent() const {
    CoreId oldest = core_.id();
    const auto since = [&](CoreId core) { return commons_.counters[core][Count::OldestAbsence]; };
    for (CoreId core = 0; core < commons_.cores(); ++core)
        if (since(core) < since(oldest)) oldest = core;
    return oldest;
}

void Broker::evict_oldest_here() {
    if (absent_.size() == 0) return;  // it has come back
    counters_.add(Count::SessionsEvicted);
    const std::uint32_t oldest = absent_.oldest();
    end_session(sessions_.handle(oldest), sessions_[oldest]);
}

void Broker::on_session_timer(Handle handle) {
    Session* session = sessions_.find(handle);
    const TimeMs now = core_.now();
    if (!session || session->timer_at > now) return;
    session->timer_at = kNever;
    if (session->connection) return;
    if (session->ends_at <= now) return end_session(handle, *session);
    if (session->will_due <= now) publish_will(handle, *session);
    const TimeMs due = std::min(session->ends_at, session->will_due);
    if (due != kNever) arm(handle, *session, due);
}

}  // namespace starling
