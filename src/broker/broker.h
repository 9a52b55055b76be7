// The broker of one core: its listeners, connections, sessions and subscriptions, and the retained
// messages and share groups whose home it is.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/counters.h"
#include "base/fifo.h"
#include "base/flat_index.h"
#include "base/log.h"
#include "base/random.h"
#include "base/slab.h"
#include "broker/age_list.h"
#include "broker/announcer.h"
#include "broker/commits.h"
#include "broker/commons.h"
#include "broker/connection.h"
#include "broker/interest.h"
#include "broker/mail.h"
#include "broker/options.h"
#include "broker/ports/store.h"
#include "broker/recent_topics.h"
#include "broker/retained.h"
#include "broker/rounds.h"
#include "broker/session.h"
#include "broker/subscription_table.h"
#include "broker/sys_topics.h"
#include "broker/work.h"
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

// Its functions are cut by concern into files: broker.cc (the turn), mailroom.cc (mail in and out),
// handshake.cc (CONNECT, and home), authorization.cc (asking), lifetime.cc (ends, wills, expiry,
// takeover), channels.cc (further streams of a client), publisher.cc (PUBLISH in, its
// acknowledgement), router.cc (to whom), share_groups.cc, sender.cc (deliveries out),
// acknowledgements.cc, subscriber.cc (SUBSCRIBE in), replay.cc (retained out), keeping.cc (what
// waits for the store), memory.cc (near memory.max), stopping.cc, events.cc (the log).
//
// Requests to other cores are made only where they can wait: has_credit() is asked before a packet
// that may cause one is handled, and what timers and endings publish waits in a queue.
//
// Owner: one core.
class Broker final : public TurnHandler, private Authorizer::Listener, private Store::Listener {
public:
    Broker(Core& core, Commons& commons, Authorizer& authorizer, Store& store);
    ~Broker() override;

    Result<void> listen(std::unique_ptr<StreamSource> source);

    // Takes a stream that is not attached yet, of which some bytes may have been read already.
    void adopt(std::unique_ptr<Stream> stream, ByteVector unread = {});

    // Begins to end, on all cores: no more accepting or reading; wills; mail until there is none;
    // DISCONNECT 0x8B; what is to be written goes out until everybody has left or
    // `shutdown_timeout_s` is over.
    void stop();
    bool is_stopped() const;

    const Counters& counters() const { return counters_; }

    // TurnHandler
    void read(std::span<const Readiness> ready) override;
    void mail() override;
    void timer(std::uint64_t token) override;
    void commit() override;
    void post() override;
    void write() override;
    void reap() override;
    bool has_work() const override;
    bool has_mail() const override;

private:
    enum class TokenKind : std::uint32_t {
        Connection,
        Session,
        Source,
        Sys,
        Sweep,
        Accept,
        Memory,
    };
    static std::uint64_t token(TokenKind kind, Handle handle);

    // broker.cc
    // Where streams come from.
    struct Entrance {
        std::unique_ptr<StreamSource> source;
        bool is_waiting = false;  // somebody may stand there
    };
    void accept_waiting();
    void accept(Entrance& entrance);
    bool has_arrivals() const;
    void accept_later(TimeMs due);
    void evict_oldest_stranger();
    void read_waiting();
    void on_ready(const Readiness& ready);
    void read_connection(Handle handle);
    void count_cuts();
    bool may_read_more() const { return packet_budget_ != 0 && read_budget_ != 0; }
    Connection::Pause must_wait(const Connection& connection, PacketType type) const;
    void pause(Handle handle, Connection& connection, Connection::Pause why);
    void resume(Handle handle, Connection& connection);
    void resume_starved();
    void resume_hungry();
    void discard(Handle handle, Connection& connection);
    void on_end(Handle handle, Connection& connection, const Error& error);
    void feed(Handle handle, Connection& connection, Bytes fresh);
    std::size_t feed_packets(Handle handle, Connection& connection, Bytes bytes);
    void on_packet(Handle handle, Connection& connection, const Frame& frame, Bytes unread);
    void on_session_packet(Handle handle, Connection& connection, const Frame& frame);
    void flush(Handle handle, Connection& connection);
    ConnectionTraffic& busy(Connection& connection);
    void rest_if_idle(Connection& connection);
    void mark_dirty(Handle handle, Connection& connection);
    void read_again(Handle handle, Connection& connection);
    void send_frame(Handle handle, Connection& connection);  // what frame_ holds
    void arm(Handle handle, Connection& connection, TimeMs due);
    void arm(Handle handle, Session& session, TimeMs due);
    void publish_sys();

    // authorization.cc
    bool consult(Handle handle, Connection& connection, std::span<Question> questions);
    void on_verdict(std::uint64_t question, const Verdict& verdict) override;
    void answer(Handle handle, Connection& connection, std::size_t index, const Verdict& verdict);
    void give_up_consultation(Handle handle, Connection& connection);
    void forget_consultation(const Connection& connection);

    // keeping.cc
    void keep(const Session& session, const change::Any& change);
    void keep_retained_message(const Message& message);
    std::uint64_t keep_before_sending(const Session& session, Handle handle,
                                      const change::Any& change);
    void set_expiry(Session& session, std::uint32_t expiry_s);
    void on_committed(std::uint64_t commit) override;
    void go_on(const AfterCommit& waiting);
    void await_commit(std::uint64_t commit, AfterCommit::What what);
    std::uint64_t commit_since(std::uint64_t changes) const;
    std::uint64_t commit_so_far(const Session& session) const;
    void end_late_waits();
    void end_late_wait(Handle handle);

    // mailroom.cc
    bool has_credit() const;
    bool wants_credit() const;
    void send_waiting();
    void on_mail(CoreId from, mail::Any& any);
    void take(CoreId from, mail::Moved& moved);
    void take(CoreId from, mail::Published& published);
    void take(CoreId from, mail::Returned& returned);
    void take(CoreId from, mail::Evict& evict);
    void take(CoreId from, mail::Pull& pull);
    void take(CoreId from, mail::Settled& settled);
    void take(CoreId from, mail::Pulled& pulled);
    void take(CoreId from, mail::Offered& offered);
    void take(CoreId from, mail::Answered& answered);
    void take(CoreId from, mail::Interested& interested);
    void take(CoreId from, mail::InterestConfirmed& confirmed);
    void take(CoreId from, mail::Members& members);
    void take(CoreId from, mail::MembersConfirmed& confirmed);
    void begin_rounds();
    void begin_members_round();
    void report_gauges();

    // handshake.cc
    void on_connect(Handle handle, Connection& connection, const Frame& frame, Bytes unread);
    bool move_home(Handle handle, Connection& connection, std::string_view client_id, Bytes unread);
    bool consult_login(Handle handle, Connection& connection, const Connect& connect);
    Reason judge_connect(const Connect& connect) const;
    void refuse(Handle handle, Connection& connection, Reason reason, const Connect* connect);
    void welcome(Handle handle, Connection& connection, const Connect& connect);
    bool take_place(std::string_view id);
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
    void drop(Handle handle, Connection& connection, const Error* error = nullptr);
    void on_disconnect(Handle handle, Connection& connection, const Frame& frame);
    void leave_session(Connection& connection, bool keeps_will, const char* why,
                       const Error* error = nullptr);
    void end_session(Handle handle, Session& session);
    void discard_session(Handle handle, Session& session);
    std::unique_ptr<Will> set_will(Session& session, std::unique_ptr<Will> will);
    void publish_will(Handle publisher, Session& session);
    void evict_absent_session();
    void evict_oldest_here();
    CoreId core_of_oldest_absent() const;
    void on_connection_timer(Handle handle);
    void on_session_timer(Handle handle);

    // channels.cc
    void open_channels(Handle handle);
    void open_channel(const Connection& control, std::unique_ptr<Stream> stream);
    void leave_channel(Connection& channel);
    static bool is_left_to_control(const Connection& channel);
    void drop_channels(Handle control);
    void inherit(Handle control, Session& channel);
    void inherit_subscriptions(Handle control, Session& channel);
    void take_over_inherited(const Session& channel, std::string_view filter);
    void reset_channel(Handle handle, Connection& channel, Reason reason);
    void finish_channel(Handle handle, Connection& channel);
    void on_channel_packet(Handle handle, Connection& channel, const Frame& frame);
    void on_channel_disconnect(Handle handle, Connection& channel, const Frame& frame);
    void hear_channel(const Connection& channel);
    std::uint32_t client_of(std::uint32_t session) const;
    template <typename Visit>
    void for_each_channel(std::uint32_t session, Visit visit) const;
    std::uint32_t subscriptions_of_client(std::uint32_t session) const;
    bool has_paused_channel(std::uint32_t session) const;
    Handle find_sender(Handle session, std::uint16_t packet_id);
    bool forget_received(std::uint32_t session, std::uint16_t packet_id);
    bool unsubscribe_elsewhere(std::uint32_t session, std::string_view filter);
    void pump_channels(std::uint32_t session);
    bool has_packet_ids(const Session& session) const;
    std::uint16_t next_packet_id(Session& session);
    std::uint16_t distance_to_used_id(const Session& client) const;

    // publisher.cc
    void on_publish(Handle handle, Connection& connection, const Frame& frame);
    Decoded<std::string_view> resolve_topic(Connection& connection, const Publish& publish);
    Reason look_at(Handle handle, const Hashed& recent, Hashed& topic);
    Reason judge_topic(std::string_view topic) const;
    void accept_publish(Handle handle, Connection& connection, const Publish& publish,
                        const Hashed& topic, Reason reason);
    Ref<const Message> make_message(const Connection& connection, const Publish& publish,
                                    const Hashed& topic) const;
    bool answer_repeated(Handle handle, Connection& connection, const Publish& publish);
    Handle find_ticket(Handle session, std::uint16_t packet_id);
    void settle(Handle ticket, std::uint32_t receivers, bool was_retained);
    Reason close_ticket(Handle ticket);
    void pay_ticket(Handle ticket);
    void owe(Handle handle, Connection& connection, const PendingAck& ack);
    void pay_acks(Handle handle, Connection& connection);
    void acknowledge(Handle handle, Connection& connection, PacketType type,
                     std::uint16_t packet_id, Reason reason);

    // router.cc
    void route(const Ref<const Message>& message, Handle ticket);
    PublishJob start_job(CoreId from, Handle ticket);
    Handle prolong(PublishJob& job);
    void end(PublishJob& job);
    void release(Handle job);
    void close_part(Handle job);
    void finish(const PublishJob& job);
    bool keep_retained(const Ref<const Message>& message);
    void deliver(PublishJob& job, const Ref<const Message>& message);
    std::vector<FanOut::Receiver> begin_fan_out(PublishJob& job, const Ref<const Message>& message,
                                                std::size_t& budget);
    void begin_late(FanOut& fan_out, std::size_t& budget);
    bool may_fan_out() const { return commits_.backlog() < limits::kUncommittedChanges; }
    void run_fan_outs();
    void serve_more(FanOut& fan_out, std::size_t& budget);
    void find_targets(const Message& message);
    std::uint32_t serve_targets(const Ref<const Message>& message, std::span<const Target> targets);
    DeliveryTerms terms_of(const Message& message, std::span<const Target> targets);
    bool is_own(const Subscription& subscription, const Message& message) const;

    // share_groups.cc
    void offer_to_group(PublishJob& job, const Ref<const Message>& message, std::uint32_t group);
    void ask_on(Handle offer);
    const ShareGroup::Member* next_member(const ShareGroup& group, ShareOffer& offer) const;
    bool conclude(Handle offer, mail::OfferAnswer answer);
    void end_offer(Handle offer, bool was_taken);
    std::uint64_t pick_member(ShareGroup& group, const Message& message);
    mail::OfferAnswer consider(const mail::Offered& offered, CoreId home);
    bool can_take(std::uint32_t session, Qos qos);
    bool can_queue(std::uint32_t session, const Message& message);
    void join_group(const std::string& text, Handle subscription);
    void leave_group(const std::string& text, Handle subscription);
    void return_unsent(Session& session, const RemoteHandle* only_group);
    void return_to_group(const Delivery& delivery);
    void offer_returned(CoreId from, const mail::Returned& returned);

    // sender.cc
    void offer(Session& session, const Ref<const Message>& message, DeliveryTerms terms);
    void send_now(Handle handle, Connection& connection, const Ref<const Message>& message,
                  const DeliveryTerms& terms);
    void enqueue(Session& session, Delivery delivery);
    bool make_room(const Session& session, const Delivery& fresh);
    void pump(Session& session);
    bool send_next(Session& session, Handle handle, Connection& connection);
    void resend(Session& session, Handle handle, Connection& connection, std::uint32_t position);
    bool has_window(const Session& session, const Connection& connection) const;
    bool has_outbox_room(const Connection& connection) const;
    void start_inflight(Session& session, Handle handle, Connection& connection, Delivery delivery);
    void send_inflight(Session& session, Handle handle, Connection& connection,
                       std::uint32_t position);
    bool write_publish(Handle handle, Connection& connection, const Ref<const Message>& message,
                       const DeliveryTerms& terms, std::uint16_t packet_id, bool dup);
    static bool is_plain(const Connection& connection, const Message& message,
                         const DeliveryTerms& terms, std::uint16_t packet_id);
    bool write_plain(Connection& connection, const Ref<const Message>& message);
    Bytes translated_frame(Version version, const Ref<const Message>& message);
    bool write_own_head(Connection& connection, const Ref<const Message>& message,
                        const DeliveryTerms& terms, std::uint16_t packet_id, bool dup);
    void use_alias(Connection& connection, PublishHead& head);
    std::uint16_t outgoing_alias(Connection& connection, std::string_view topic, bool& is_known);

    // acknowledgements.cc
    void on_acknowledgement(Handle handle, Connection& connection, const Frame& frame);
    void on_pubrec(Handle handle, Connection& connection, Handle sender, const Ack& ack);
    void on_pubrel(Handle handle, Connection& connection, const Ack& ack);
    void finish_inflight(Session& session, std::uint32_t position);

    // subscriber.cc
    void on_subscribe(Handle handle, Connection& connection, const Frame& frame);
    bool may_subscribe(Handle handle, Connection& connection, const Subscribe& packet);
    Reason subscribe_one(PendingSubscribe& pending, Handle session, const SubscribeFilter& request,
                         std::uint32_t identifier);
    void add_subscription(Handle session, std::string_view filter, const SubscriptionTerms& terms);
    void await_visibility(PendingSubscribe& pending, std::string_view filter) const;
    bool is_due(const PendingSubscribe& pending) const;
    void answer_subscribe(Handle handle, Connection& connection, PendingSubscribe pending);
    void finish_subscribe(PendingSubscribe& pending);
    void finish_due_subscribes();
    Reason judge_filter(std::string_view filter) const;
    void on_unsubscribe(Handle handle, Connection& connection, const Frame& frame);
    bool unsubscribe(Session& session, std::string_view filter);
    void remove_subscription(Session& session, std::uint32_t place);

    // replay.cc
    bool replay_some(Session& session, Handle handle, Connection& connection);
    bool replay_here(Session& session, Handle handle, Connection& connection, Replay& replay);
    bool replay_fetched(Session& session, Handle handle, Connection& connection, Replay& replay);
    void pull(Session& session, Handle handle, Replay& replay);
    void on_answer(mail::Pulled& pulled);
    void wait_to_replay(Session& session, Handle handle, std::vector<Handle>& list);
    void replay_one(Session& session, Handle handle, Connection& connection, const Replay& replay,
                    const Ref<const Message>& message);
    bool has_come_live(const Replay& replay, const Message& message) const;
    void note_live(Session& session, const Message& message);
    void answer_pulls();
    void answer_pull(CoreId from, const mail::Pull& pull);
    void run_replays();
    void start_replay(Session& session, Replay replay);
    static void stop_replays(SessionTraffic& traffic, std::string_view filter);

    // memory.cc
    void look_at_memory();
    void relieve_memory();
    bool drop_expensive_strangers();
    std::size_t cost(const Session& session);
    std::size_t cost_of_channel(const Session& channel);
    std::size_t excess(const Session& session);
    void end_for_memory(Handle handle, Session& session);

    // stopping.cc
    void begin_stop();
    void go_on_stopping();
    void send_everybody_away();

    // events.cc
    void log_connected(const Connection& connection, const Session& session);
    void log_left(const Connection& connection, const Session& session, const char* why,
                  const Error* error);
    void log_refused(const Connection& connection, std::string_view client_id, Reason reason);
    void log_fault(const Connection& connection, const ProtocolError& error);

    Core& core_;
    Commons& commons_;
    Authorizer& authorizer_;
    Store& store_;
    const BrokerOptions& options_;
    Counters& counters_;
    Random random_;
    Mailbox<mail::Any> mailbox_;
    Announcer announcer_;
    Interest interest_;
    Commits commits_;
    Rounds<std::pair<CoreId, mail::MemberChange>> member_changes_;  // to the groups' homes
    Slab<Connection> connections_;
    Slab<Session> sessions_;
    FlatIndex session_index_;  // by client id
    SubscriptionTable subscriptions_;
    RetainedMessages retained_;
    SysTopics sys_;
    RecentTopics recent_topics_;
    AgeList<Connection> handshaking_;
    AgeList<Session> absent_;
    std::vector<Entrance> entrances_;

    // What goes on over several turns.
    Slab<Ticket> tickets_;
    Slab<PublishJob> jobs_;
    Slab<ShareOffer> offers_;
    Fifo<FanOut> fan_outs_;
    Fifo<PendingSubscribe> subscribes_;
    Fifo<PendingConfirmation> confirmations_;
    Fifo<AfterCommit> after_commits_;                   // in the order of their commits, about
    std::vector<std::pair<CoreId, mail::Pull>> pulls_;  // answered in the next turn
    std::vector<mail::Pulled> answers_;                 // handled in the next turn
    struct Asked {
        Handle connection;
        std::size_t index;  // among the questions of its packet
    };
    std::unordered_map<std::uint64_t, Asked> questions_;  // that the authorizer has not answered
    std::uint64_t last_question_ = 0;
    std::uint32_t own_jobs_ = 0;  // of this core's publishers
    std::uint32_t last_pull_ = 0;

    // What waits for credit.
    Fifo<Handle> starved_;                 // connections
    Fifo<Handle> hungry_;                  // connections, for memory rather
    Fifo<Ref<const Message>> outgoing_;    // wills, $SYS
    Fifo<Delivery> returning_;             // of departed members
    std::uint32_t evictions_ = 0;          // of sessions, for those that are too many
    std::vector<Handle> starved_replays_;  // sessions

    std::vector<Handle> dirty_;      // connections to write
    std::vector<Handle> again_;      // connections to read without being told
    std::vector<Handle> replaying_;  // sessions whose replay a budget cut off
    std::vector<Handle> gone_;       // connections to reap
    bool is_accept_armed_ = false;
    std::size_t reports_ = 0;          // of ready sockets, in this turn
    std::uint32_t packet_budget_ = 0;  // packets that may be handled in this turn
    std::size_t read_budget_ = 0;      // bytes that may be read in this turn
    std::size_t replay_budget_ = 0;    // retained topics that may be looked at in this turn
    std::size_t fan_out_budget_ = 0;   // receivers that may be served in this turn

    std::uint32_t weighed_ = 0;  // the session that relieve_memory() has come to
    TimeMs relieved_at_ = 0;
    bool is_memory_armed_ = false;

    enum class Stopping : std::uint8_t { No, Settling, Flushing };
    Stopping stopping_ = Stopping::No;
    TimeMs stop_at_ = kNever;
    Quiescence::Look last_look_;

    LogLimit comings_log_{100};
    LogLimit faults_log_;

    // Scratch of one call, kept for its memory.
    std::unique_ptr<std::array<std::byte, limits::kReadBytes>> scratch_;
    ByteVector frame_;
    std::vector<std::uint32_t> filters_;
    std::vector<Target> targets_;
    std::vector<Verdict> verdicts_;     // on the packet at hand
    ByteVector translated_;             // a QoS 0 PUBLISH of another version than its message's
    Ref<const Message> translated_of_;  // empty between turns
    std::vector<std::unique_ptr<ConnectionTraffic>> spare_traffic_;
};

}  // namespace starling
