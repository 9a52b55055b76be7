// How connections and sessions end, and what is published then.
#include "broker/broker.h"

namespace starling {
namespace {

// For a peer to read the last words and close: a socket closed over unread bytes resets them away.
constexpr TimeMs kLingerMs = 2'000;

}  // namespace

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
    arm(handle, connection, core_.now() + kLingerMs);
    mark_dirty(handle, connection);
}

// The connection is gone, or is to be at once.
void Broker::drop(Handle handle, Connection& connection) {
    if (connection.state == Connection::State::Gone) return;
    if (connection.state == Connection::State::AwaitsConnect) handshaking_.remove(handle.index);
    if (connection.state == Connection::State::Connected)
        leave_session(connection, true, "connection lost");
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
        sessions_[connection.session.index].expiry_s =
            std::min(wanted, options_.session_expiry_max_s);
    }
    const bool keeps_will = packet->reason != Reason::Success;  // [MQTT-3.14.4-3]
    leave_session(connection, keeps_will, "said good-bye");
    start_closing(handle, connection);
}

void Broker::on_connection_timer(Handle handle) {
    Connection* connection = connections_.find(handle);
    if (!connection || connection->timer_at > core_.now()) return;
    connection->timer_at = kNever;
    if (connection->state == Connection::State::Closing) {
        const TimeMs end = connection->last_packet_at + kLingerMs;
        return end > core_.now() ? arm(handle, *connection, end) : drop(handle, *connection);
    }
    if (connection->state == Connection::State::AwaitsConnect) {
        if (connection->pause != Connection::Pause::None) connection->last_packet_at = core_.now();
        const TimeMs end = connection->last_packet_at + options_.connect_timeout_s * TimeMs{1000};
        return end > core_.now() ? arm(handle, *connection, end) : drop(handle, *connection);
    }
    if (connection->keep_alive_s == 0) return;
    if (connection->pause != Connection::Pause::None) connection->last_packet_at = core_.now();
    const TimeMs due = connection->last_packet_at + connection->keep_alive_s * TimeMs{1500};
    if (due > core_.now()) return arm(handle, *connection, due);
    disconnect(handle, *connection, Reason::KeepAliveTimeout);  // [MQTT-3.1.2-22]
}

// --- Sessions ------------------------------------------------------------------------------------

// The session goes on without its connection, or ends with it.
void Broker::leave_session(Connection& connection, bool keeps_will, const char* why) {
    const Handle handle = connection.session;
    Session& session = sessions_[handle.index];
    log_left(connection, session, why);
    connection.session = {};
    session.connection = {};
    if (connection.holds_place) commons_.connections.give_back();
    connection.holds_place = false;
    absent_.add(handle.index);
    if (!keeps_will) session.will.reset();
    if (session.expiry_s == 0) return end_session(handle, session);

    const TimeMs now = core_.now();
    if (session.traffic) {
        for (std::uint32_t i = 0; i < session.traffic->inflight.size(); ++i)
            session.traffic->inflight[i].is_current = false;
        session.traffic->current = 0;
    }
    session.ends_at =
        session.expiry_s == kNoExpiry ? kNever : now + session.expiry_s * TimeMs{1000};
    if (session.will && session.will->delay_s == 0) publish_will(handle, session);
    if (session.will) session.will_due = now + session.will->delay_s * TimeMs{1000};
    const TimeMs due = std::min(session.ends_at, session.will_due);
    if (due != kNever) arm(handle, session, due);
    return_unsent(session, nullptr);
}

// REQUIRES: nobody is connected to it.
void Broker::end_session(Handle handle, Session& session) {
    publish_will(handle, session);  // its delay ends with the session
    absent_.remove(handle.index);
    std::vector<Delivery> returned;
    if (session.traffic) {
        SessionTraffic& traffic = *session.traffic;
        for (std::uint32_t i = 0; i < traffic.inflight.size(); ++i) {
            Inflight& entry = traffic.inflight[i];
            // A QoS 2 message once sent is nobody else's [MQTT-4.8.2-5].
            if (entry.delivery.group && entry.awaits == Inflight::Awaits::Puback)
                returned.push_back(std::move(entry.delivery));
        }
        for (std::uint32_t i = 0; i < traffic.queue.size(); ++i)
            if (traffic.queue[i].group) returned.push_back(std::move(traffic.queue[i]));
    }
    while (session.first_subscription != SubscriptionTable::kNone)
        remove_subscription(session, session.first_subscription);
    session_index_.erase(session.id_hash, handle.index);
    sessions_.erase(handle);
    commons_.sessions.give_back();
    for (Delivery& delivery : returned) returning_.push(std::move(delivery));
    send_waiting();
}

void Broker::publish_will(Handle publisher, Session& session) {
    if (!session.will) return;
    const std::unique_ptr<Will> will = std::move(session.will);
    session.will_due = kNever;
    MessageParts parts;
    parts.topic = will->topic;
    parts.payload = will->payload;
    parts.properties = will->properties;
    parts.qos = will->qos;
    parts.retain = will->retain;
    parts.publisher = {core_.id(), publisher};
    parts.publisher_hash = session.id_hash;
    if (will->expiry_s != kNoMessageExpiry) parts.expires_at = core_.now() + will->expiry_s * 1000;
    send_own(Message::make(parts));
}

void Broker::evict_absent_sessions() {
    while (commons_.sessions.is_exceeded() && absent_.size() > 0) {
        counters_.add(Count::SessionsEvicted);
        const std::uint32_t oldest = absent_.oldest();
        end_session(sessions_.handle(oldest), sessions_[oldest]);
    }
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
