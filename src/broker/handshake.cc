// CONNECT: who may come in, under which terms, into which session.
#include <algorithm>

#include "base/sabotage.h"
#include "broker/broker.h"

namespace starling {

void Broker::on_connect(Handle handle, Connection& connection, const Frame& frame, Bytes unread) {
    const auto connect = decode_connect(frame);
    if (!connect) {
        counters_.add(Count::ProtocolErrors);
        connection.version = answer_version(frame);
        return refuse(handle, connection, connect.error().reason, nullptr);
    }
    connection.version = connect->version;
    if (const Reason reason = judge_connect(*connect); reason != Reason::Success)
        return refuse(handle, connection, reason, &*connect);
    if (move_home(handle, connection, connect->client_id, unread)) return;
    if (!consult_login(handle, connection, *connect)) return;
    for (const Verdict& verdict : verdicts_)
        if (const Reason reason = reason_of(verdict); reason != Reason::Success) {
            counters_.add(Count::Denied);
            return refuse(handle, connection, reason, &*connect);
        }
    connection.identity = verdicts_.front().identity;
    welcome(handle, connection, *connect);
}

// Gives a client of another core to that one, which handles its CONNECT anew. True when it has
// gone, or waits to go.
bool Broker::move_home(Handle handle, Connection& connection, std::string_view client_id,
                       Bytes unread) {
    const CoreId home = client_id.empty() ? core_.id() : commons_.home_of(client_id);
    if (home == core_.id()) return false;
    if (!connection.stream->may_move()) {
        pause(handle, connection, Connection::Pause::Transport);
        return true;
    }
    handshaking_.remove(handle.index);
    connection.state = Connection::State::Gone;
    gone_.push_back(handle);
    connection.stream->detach();
    mailbox_.request(home,
                     mail::Moved{std::move(connection.stream), {unread.begin(), unread.end()}});
    return true;
}

// Asks about the client and about its will. False when some answers come later.
bool Broker::consult_login(Handle handle, Connection& connection, const Connect& connect) {
    std::array<Question, 2> questions;
    Question& login = questions[0];
    login.action = Question::Action::Connect;
    login.client_id = connect.client_id;
    login.has_username = connect.user_name.has_value();
    login.has_password = connect.password.has_value();
    if (connect.user_name) login.username = *connect.user_name;
    if (connect.password) login.password = *connect.password;
    if (!connect.will) return consult(handle, connection, {questions.data(), 1});
    Question& will = questions[1];
    will.action = Question::Action::Publish;
    will.client_id = connect.client_id;
    will.topic = connect.will->topic;
    will.qos = connect.will->qos;
    will.retain = connect.will->retain;
    return consult(handle, connection, questions);
}

Reason Broker::judge_connect(const Connect& connect) const {
    const bool is_short_id_needed = connect.version == Version::V3 && !options_.long_client_ids_v3;
    const std::size_t id_bytes_max =
        is_short_id_needed ? std::min(limits::kClientIdBytesV3, options_.client_id_bytes)
                           : options_.client_id_bytes;
    if (connect.client_id.size() > id_bytes_max) return Reason::ClientIdentifierNotValid;
    if (connect.properties.has(Property::AuthenticationMethod))
        return Reason::BadAuthenticationMethod;  // [MQTT-4.12.0-1]
    if (connect.will) {
        if (connect.will->qos > options_.maximum_qos) return Reason::QosNotSupported;
        if (connect.will->retain && !options_.retain_available)
            return Reason::RetainNotSupported;  // [MQTT-3.2.2-13]
        if (const Reason reason = judge_topic(connect.will->topic); reason != Reason::Success)
            return reason;
    }
    return Reason::Success;
}

void Broker::refuse(Handle handle, Connection& connection, Reason reason, const Connect* connect) {
    counters_.add(Count::ConnectsRefused);
    log_refused(connection, connect ? connect->client_id : std::string_view(), reason);
    // Below version 5 a CONNECT that breaks a rule is answered by the close alone.
    const bool has_code = connect || reason == Reason::UnsupportedProtocolVersion ||
                          reason == Reason::ClientIdentifierNotValid;
    if (connection.version == Version::V5 || has_code) {
        Explanation explanation;
        if (connect) explanation.packet_bytes_max = connect->properties.maximum_packet_size;
        encode_connack(frame_, connection.version, false, reason, {}, explanation);
        if (frame_.size() <= explanation.packet_bytes_max) send_frame(handle, connection);
        frame_.clear();
    }
    start_closing(handle, connection);
}

void Broker::welcome(Handle handle, Connection& connection, const Connect& connect) {
    const std::string assigned_id = connect.client_id.empty() ? make_client_id() : std::string();
    const std::string id = assigned_id.empty() ? std::string(connect.client_id) : assigned_id;

    // Who cannot be told the terms is not let in [MQTT-3.1.2-24].
    const PropertyWriter terms = connack_properties(connect, assigned_id);
    encode_connack(frame_, connect.version, false, Reason::Success, terms);
    const bool is_too_large = frame_.size() > connect.properties.maximum_packet_size;
    frame_.clear();
    if (is_too_large) return refuse(handle, connection, Reason::PacketTooLarge, &connect);
    if (!take_place(id)) return refuse(handle, connection, Reason::ServerBusy, &connect);

    bool was_present = false;
    Session& session = enter_session(id, connect.clean_start, was_present);
    const std::uint32_t place = find_session(id);

    handshaking_.remove(handle.index);
    connection.state = Connection::State::Connected;
    connection.holds_place = true;
    connection.session = sessions_.handle(place);
    connection.receive_maximum = connect.properties.receive_maximum;
    connection.packet_bytes_max = std::min(connect.properties.maximum_packet_size, kPacketBytesMax);
    connection.topic_alias_maximum =
        std::min(connect.properties.topic_alias_maximum, options_.topic_aliases);
    connection.wants_problem_information = connect.properties.request_problem_information;
    connection.keep_alive_s = granted_keep_alive(connect);
    connection.connected_expiry_s = connect.properties.session_expiry_interval_s;

    session.connection = handle;
    set_expiry(session, granted_expiry(connect));
    session.will_due = kNever;
    session.ends_at = kNever;
    std::unique_ptr<Will> will;
    if (connect.will) {
        const WillPacket& from = *connect.will;
        will = std::make_unique<Will>(Will{std::string(from.topic),
                                           {from.payload.begin(), from.payload.end()},
                                           {from.properties.raw.begin(), from.properties.raw.end()},
                                           from.properties.will_delay_interval_s,
                                           kNoMessageExpiry,
                                           from.qos,
                                           from.retain});
        if (from.properties.has(Property::MessageExpiryInterval))
            will->expiry_s = from.properties.message_expiry_interval_s;
    }
    set_will(session, std::move(will));
    counters_.add(Count::ConnectsAccepted);
    log_connected(connection, session);

    encode_connack(frame_, connect.version, was_present, Reason::Success, terms);
    send_frame(handle, connection);
    if (connection.keep_alive_s != 0)
        arm(handle, connection, core_.now() + connection.keep_alive_s * TimeMs{1500});
    if (commons_.sessions.is_exceeded()) ++evictions_;
    open_channels(handle);
    pump(session);
}

// One of the places that `limits.connections` allows. A takeover moves the one there is.
bool Broker::take_place(std::string_view id) {
    const std::uint32_t present = find_session(id);
    Connection* old =
        present == FlatIndex::kNone ? nullptr : connections_.find(sessions_[present].connection);
    // Who comes back costs no more than before, and takes what waits.
    const bool is_too_tight = present == FlatIndex::kNone && commons_.memory.is_tight();
    if (!old) return !is_too_tight && commons_.connections.try_take();
    old->holds_place = false;
    return true;
}

// The client's session: the one it left or, on a clean start or the first time, a new one. Whoever
// holds it is sent away [MQTT-3.1.4-3].
Session& Broker::enter_session(std::string_view id, bool clean_start, bool& was_present) {
    std::uint32_t place = find_session(id);
    if (place != FlatIndex::kNone && sessions_[place].connection) {
        const Handle old = sessions_[place].connection;
        counters_.add(Count::Takeovers);
        disconnect(old, connections_[old.index], Reason::SessionTakenOver);
        place = find_session(id);  // it may have ended with its connection
    }
    if (place != FlatIndex::kNone) {
        Session& session = sessions_[place];
        if (!clean_start || STARLING_SABOTAGED(KeepSessionOnCleanStart)) {
            absent_.remove(place);
            was_present = true;
            return session;
        }
        end_session(sessions_.handle(place), session);
    }
    Session fresh;
    fresh.id = id;
    fresh.id_hash = static_cast<std::uint32_t>(keyed_hash(commons_.key, id));
    commons_.sessions.take();
    const Handle handle = sessions_.emplace(std::move(fresh));
    session_index_.insert(sessions_[handle.index].id_hash, handle.index);
    return sessions_[handle.index];
}

// What the client must be told because it is not what it asked for, or what MQTT assumes.
PropertyWriter Broker::connack_properties(const Connect& connect,
                                          std::string_view assigned_id) const {
    PropertyWriter properties;
    if (connect.version != Version::V5) return properties;
    if (granted_expiry(connect) != connect.properties.session_expiry_interval_s)
        properties.add_u32(Property::SessionExpiryInterval, granted_expiry(connect));
    if (!assigned_id.empty())
        properties.add_string(Property::AssignedClientIdentifier, assigned_id);
    if (granted_keep_alive(connect) != connect.keep_alive_s)
        properties.add_u16(Property::ServerKeepAlive, granted_keep_alive(connect));
    if (options_.inflight_in != 65535)
        properties.add_u16(Property::ReceiveMaximum, options_.inflight_in);
    if (options_.maximum_qos != Qos::ExactlyOnce)  // [MQTT-3.2.2-9]
        properties.add_u8(Property::MaximumQos, static_cast<std::uint8_t>(options_.maximum_qos));
    if (!options_.retain_available) properties.add_u8(Property::RetainAvailable, 0);
    properties.add_u32(Property::MaximumPacketSize, options_.packet_bytes_max);
    if (options_.topic_aliases != 0)
        properties.add_u16(Property::TopicAliasMaximum, options_.topic_aliases);
    if (!options_.wildcard_subscriptions)
        properties.add_u8(Property::WildcardSubscriptionAvailable, 0);
    if (!options_.subscription_identifiers)
        properties.add_u8(Property::SubscriptionIdentifierAvailable, 0);
    if (!options_.shared_subscriptions) properties.add_u8(Property::SharedSubscriptionAvailable, 0);
    return properties;
}

std::uint32_t Broker::granted_expiry(const Connect& connect) const {
    if (connect.version != Version::V5)
        return connect.clean_start ? 0 : options_.session_expiry_max_s;
    return std::min(connect.properties.session_expiry_interval_s, options_.session_expiry_max_s);
}

std::uint16_t Broker::granted_keep_alive(const Connect& connect) const {
    // Only version 5 can be told of another interval than its own.
    if (connect.version != Version::V5) return connect.keep_alive_s;
    if (options_.server_keep_alive_s != 0) return options_.server_keep_alive_s;
    const std::uint16_t most = options_.keep_alive_max_s;
    if (most != 0 && (connect.keep_alive_s == 0 || connect.keep_alive_s > most)) return most;
    return connect.keep_alive_s;
}

// One whose home is this core.
std::string Broker::make_client_id() const {
    static constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuv";
    std::string id;
    std::uint64_t secret = secret_u64();
    do {
        secret = mix(secret + 1);
        id = "auto";
        for (std::uint64_t bits = secret; id.size() < 16; bits >>= 5) id += kDigits[bits & 31];
    } while (commons_.home_of(id) != core_.id() || find_session(id) != FlatIndex::kNone);
    return id;
}

std::uint32_t Broker::find_session(std::string_view id) const {
    return session_index_.find(static_cast<std::uint32_t>(keyed_hash(commons_.key, id)),
                               [&](std::uint32_t place) { return sessions_[place].id == id; });
}

}  // namespace starling
