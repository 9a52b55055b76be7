// The broker of one core: its listeners, connections, sessions, subscriptions and retained
// messages.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/counters.h"
#include "base/flat_index.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "base/slab.h"
#include "broker/age_list.h"
#include "broker/connection.h"
#include "broker/options.h"
#include "broker/retained.h"
#include "broker/session.h"
#include "broker/subscription_table.h"
#include "broker/sys_topics.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "reactor/core.h"
#include "transport/stream.h"

namespace starling {

// Where new streams come from. Owner: the broker it was given to.
class StreamSource {
public:
    virtual ~StreamSource() = default;

    virtual Result<void> attach(Poller& poller, std::uint64_t token) = 0;

    enum class Taken : std::uint8_t { Stream, None, Exhausted };

    // Takes one waiting stream. After Exhausted (descriptors, memory) nobody tells when to try
    // again.
    virtual Taken take(std::unique_ptr<Stream>& stream) = 0;
};

// Its functions are cut by concern into files: broker.cc (the turn), handshake.cc (CONNECT),
// lifetime.cc (ends, wills, expiry, takeover), publisher.cc (PUBLISH in), router.cc (to whom),
// share_groups.cc, sender.cc (deliveries out), acknowledgements.cc, subscriber.cc (SUBSCRIBE in),
// replay.cc (retained out), events.cc (the log).
// Owner: one core.
class Broker final : public TurnHandler {
public:
    Broker(Core& core, const BrokerOptions& options, const HashKey& key);
    ~Broker() override;

    Result<void> listen(std::unique_ptr<StreamSource> source);

    // Takes a stream that is not attached yet.
    void adopt(std::unique_ptr<Stream> stream);

    // Begins to end: no more accepting or reading, DISCONNECT 0x8B, wills; what is to be written
    // goes out until everybody has left or `shutdown_timeout_s` is over.
    void stop();
    bool is_stopped() const;

    const Counters& counters() const { return counters_; }

    // TurnHandler
    void read(std::span<const Readiness> ready) override;
    void mail() override {}
    void timer(std::uint64_t token) override;
    void commit() override {}
    void post() override {}
    void write() override;
    void reap() override;
    bool has_work() const override;
    bool has_mail() const override { return false; }

private:
    enum class TokenKind : std::uint32_t { Connection, Session, Source, Sys, Sweep, Accept };
    static std::uint64_t token(TokenKind kind, Handle handle);

    // broker.cc
    void accept(StreamSource& source);
    void accept_later(TimeMs due);
    void on_ready(const Readiness& ready);
    void read_connection(Handle handle);
    void discard(Handle handle, Connection& connection);
    void feed(Handle handle, Connection& connection, Bytes fresh);
    std::size_t feed_packets(Handle handle, Connection& connection, Bytes bytes);
    void on_packet(Handle handle, Connection& connection, const Frame& frame);
    void on_session_packet(Handle handle, Connection& connection, const Frame& frame);
    void flush(Handle handle, Connection& connection);
    void mark_dirty(Handle handle, Connection& connection);
    void read_again(Handle handle, Connection& connection);
    void send_frame(Handle handle, Connection& connection);  // what frame_ holds
    void arm(Handle handle, Connection& connection, TimeMs due);
    void arm(Handle handle, Session& session, TimeMs due);

    // handshake.cc
    void on_connect(Handle handle, Connection& connection, const Frame& frame);
    Reason judge_connect(const Connect& connect) const;
    void refuse(Handle handle, Connection& connection, Reason reason, const Connect* connect);
    void welcome(Handle handle, Connection& connection, const Connect& connect);
    Session& enter_session(std::string_view id, bool clean_start, bool& was_present);
    PropertyWriter connack_properties(const Connect& connect, std::string_view assigned_id) const;
    std::uint32_t granted_expiry(const Connect& connect) const;
    std::uint16_t granted_keep_alive(const Connect& connect) const;
    std::string make_client_id() const;
    std::uint32_t find_session(std::string_view id) const;

    // lifetime.cc
    void fail(Handle handle, Connection& connection, const ProtocolError& error);
    void disconnect(Handle handle, Connection& connection, Reason reason);
    void start_closing(Handle handle, Connection& connection);
    void drop(Handle handle, Connection& connection);
    void on_disconnect(Handle handle, Connection& connection, const Frame& frame);
    void leave_session(Connection& connection, bool keeps_will, const char* why);
    void end_session(Handle handle, Session& session);
    void publish_will(Handle publisher, Session& session);
    void evict_absent_sessions();
    void on_connection_timer(Handle handle);
    void on_session_timer(Handle handle);

    // publisher.cc
    void on_publish(Handle handle, Connection& connection, const Frame& frame);
    Decoded<std::string_view> resolve_topic(Connection& connection, const Publish& publish);
    Reason judge_topic(std::string_view topic) const;
    void accept_publish(Handle handle, Connection& connection, const Publish& publish,
                        std::string_view topic);
    void acknowledge(Handle handle, Connection& connection, PacketType type,
                     std::uint16_t packet_id, Reason reason);

    // router.cc
    struct Target {
        std::uint32_t session;
        std::uint32_t subscription;
    };
    struct Routed {
        bool was_retained = true;  // false: it was to be, and there was no room
        std::size_t receivers = 0;
    };
    Routed route(const Ref<const Message>& message);
    std::size_t deliver_filter(const Ref<const Message>& message, std::uint32_t filter);
    std::size_t deliver_merged(const Ref<const Message>& message);
    Delivery make_delivery(const Ref<const Message>& message, std::span<const Target> targets);
    bool is_for(const Subscription& subscription, const Message& message) const;

    // share_groups.cc
    bool offer_to_group(const Ref<const Message>& message, std::uint32_t group);
    std::uint32_t pick_member(ShareGroup& group, const Message& message);
    bool can_take(std::uint32_t session, Qos qos);
    bool can_queue(std::uint32_t session);
    void give_to_member(const Ref<const Message>& message, std::uint32_t group,
                        std::uint32_t subscription);
    void return_unsent(Session& session, const Handle* only_group);
    void return_unacknowledged(std::vector<Delivery> deliveries);

    // sender.cc
    void offer(Session& session, Delivery delivery);
    void send_now(Handle handle, Connection& connection, const Delivery& delivery);
    void enqueue(Session& session, Delivery delivery);
    bool make_room(SessionTraffic& traffic, const Delivery& fresh);
    void pump(Session& session);
    bool send_next(Session& session, Handle handle, Connection& connection);
    bool resend_one(Session& session, Handle handle, Connection& connection);
    bool has_window(const Session& session, const Connection& connection) const;
    bool has_outbox_room(const Connection& connection) const;
    bool start_inflight(Session& session, Handle handle, Connection& connection, Delivery delivery);
    bool write_publish(Handle handle, Connection& connection, const Delivery& delivery,
                       std::uint16_t packet_id, bool dup);
    void use_alias(Connection& connection, PublishHead& head);
    std::uint16_t outgoing_alias(Connection& connection, std::string_view topic, bool& is_known);

    // acknowledgements.cc
    void on_acknowledgement(Handle handle, Connection& connection, const Frame& frame);
    void on_pubrec(Handle handle, Connection& connection, Session& session, const Ack& ack);
    void on_pubrel(Handle handle, Connection& connection, Session& session, const Ack& ack);
    void finish_inflight(Session& session, std::uint32_t position);

    // subscriber.cc
    void on_subscribe(Handle handle, Connection& connection, const Frame& frame);
    Reason subscribe_one(Handle session, const SubscribeFilter& request, std::uint32_t identifier);
    Reason judge_filter(std::string_view filter) const;
    void on_unsubscribe(Handle handle, Connection& connection, const Frame& frame);

    // replay.cc
    bool replay_some(Session& session, Handle handle, Connection& connection);
    void run_replays();
    void start_replay(Session& session, Replay replay);
    static void stop_replays(SessionTraffic& traffic, std::string_view filter);

    // events.cc
    void log_connected(const Connection& connection, const Session& session);
    void log_left(const Connection& connection, const Session& session, const char* why);
    void log_refused(const Connection& connection, std::string_view client_id, Reason reason);
    void log_fault(const Connection& connection, const ProtocolError& error);

    void publish_sys();

    Core& core_;
    const BrokerOptions options_;
    const HashKey key_;
    Random random_;
    Counters counters_;
    Slab<Connection> connections_;
    Slab<Session> sessions_;
    FlatIndex session_index_;  // by client id
    SubscriptionTable subscriptions_;
    RetainedMessages retained_;
    SysTopics sys_;
    AgeList<Connection> handshaking_;
    AgeList<Session> absent_;
    std::vector<std::unique_ptr<StreamSource>> sources_;
    std::vector<Handle> dirty_;      // connections to write
    std::vector<Handle> again_;      // connections to read without being told
    std::vector<Handle> replaying_;  // sessions whose replay a budget cut off
    std::vector<Handle> gone_;       // connections to reap
    bool is_accept_armed_ = false;
    std::size_t replay_budget_ = 0;  // retained topics that may be looked at in this turn
    std::uint32_t connected_ = 0;
    std::uint32_t connected_most_ = 0;
    TimeMs stop_at_ = kNever;
    LogLimit comings_log_{100};
    LogLimit faults_log_;

    // Scratch of one call, kept for its memory.
    std::unique_ptr<std::array<std::byte, limits::kReadBytes>> scratch_;
    ByteVector frame_;
    std::vector<std::uint32_t> filters_;
    std::vector<Target> targets_;
};

}  // namespace starling
