// The reference model: what each client must, may and must not receive. Start reading here.
//
// A run is a sequence of steps. In a step one or several clients act; then the broker turns until
// nothing is left to do, and the step is settled. The model is told of an action when its bytes
// leave the client, of an answer or a delivery when the client reads it. Nothing is assumed of the
// order in which the broker takes what different clients do in one step: a subscription that
// changes may be in several states, and a message that is under way sees all of them. What follows
// from every order is demanded, what follows from none is a failure, the rest is allowed. When only
// one client acts, nothing is open and the model is exact.
//
//   model_state.h  the vocabulary: messages, subscriptions, sessions, what is expected
//   model.cc       what clients do
//   model_judge.cc what they receive
//   model_settle.cc the end of a step: what must have come by now
//   model_groups.cc share groups
//   model_kept.cc  what the stores must have kept
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/sim/kept.h"
#include "tests/sim/model_state.h"
#include "tests/sim/rules.h"
#include "tests/sim/trace.h"

namespace starling {

// What the model has to know of the world.
struct ModelSetting {
    const Rules& rules;
    int clients = 0;
    std::uint32_t inflight_max = 0;  // what the broker sends at most before an acknowledgement
    bool has_stores = false;         // commits end late
    const Kept* kept = nullptr;      // what the stores have kept; null where nobody may look
};

// Clients are numbered from 0; each has at most one session.
// Owner: the driver.
class Model {
public:
    Model(Trace& trace, const ModelSetting& setting);

    // --- What clients do ---

    // Answers whether CONNACK must say that a session is present. `life` counts the sessions that a
    // client has had: what its old connections still bring is not the new one's.
    bool connect(int client, const ModelConnect& terms);
    void disconnect(int client, bool keeps_will, std::optional<std::uint32_t> expiry_s);
    void lose(int client);  // the connection broke
    void stall(int client, bool is_stalled);

    void subscribe(int client, const std::string& filter, const ModelTerms& terms, int handling);
    void subscribed(int client, const std::string& filter, const ModelTerms& terms);
    // Answers in which state the subscription was before, for unsubscribed().
    MayBe unsubscribe(int client, const std::string& filter);
    void unsubscribed(int client, const std::string& filter, const MayBe& before, Reason reason);

    const ModelMessage* compose(ModelMessage message);  // gives it a number, and keeps it
    // `is_again`: sent again because no acknowledgement had come.
    Publication* publish(const ModelMessage* message, bool is_again);
    // The connection broke before the broker has said that it has it.
    static void doubt(Publication* publication) { publication->is_certain = false; }
    // PUBACK or PUBREC came, of version 5.
    void answered(const Publication& publication, Reason reason);

    // PUBACK or PUBREC came, of any version; PUBCOMP; SUBACK or UNSUBACK for that filter: what they
    // promise is kept.
    void acknowledged(const Publication& publication, PacketType type, std::uint16_t packet_id);
    void completed(int client, std::uint16_t packet_id);
    void demand_filter_kept(int client, const std::string& filter);

    // The client acknowledged a delivery: PUBACK, PUBREC or PUBCOMP.
    void acknowledge(int client, PacketType type, std::uint16_t packet_id);

    // Time has passed: wills, ends of sessions and of messages that are due happen in this step.
    void pass(TimeMs now);
    TimeMs next_event() const;  // kNever: none

    // The broker stops: it reads nothing more, and its wills are due.
    void stop();

    // --- What clients receive ---

    void deliver(const ModelArrival& at, const ModelDelivery& delivery);
    void release(const ModelArrival& at, std::uint16_t packet_id);  // PUBREL

    // --- The end of a step, and of the run ---

    // More than one client acted in this step.
    void concurrent() { is_concurrent_ = true; }
    void settle();
    // Of the identifiers of its QoS 2 messages the client says which may still be known, and which
    // must.
    void check_kept_received(int client, const std::set<std::uint16_t>& may,
                             const std::set<std::uint16_t>& must);
    // What is still owed although everybody is there and has acknowledged everything.
    void finish();

    const ModelSession& session(int client) const {
        return sessions_[static_cast<std::size_t>(client)];
    }
    const Rules& rules() const { return rules_; }
    unsigned deliveries() const { return deliveries_; }

private:
    ModelSession& session_of(int client) { return sessions_[static_cast<std::size_t>(client)]; }
    void fail(const std::string& what) { trace_.fail(what); }

    // model.cc
    void leave(int client, bool keeps_will);
    void end_session(ModelSession& session);
    void publish_will(ModelSession& session);
    Expected& expect(ModelSession& session, const Matching& matching);
    void expect_of(ModelSession& session, Publication& publication);
    void change(ModelSession& session, const std::string& filter, std::optional<ModelTerms> terms);
    void retain(Publication& publication);
    static void forget_replays(ModelSession& session, const std::string& filter);

    // model_judge.cc
    bool take_again(ModelSession& session, const ModelDelivery& delivery, bool is_current);
    void check_resend_order(const ModelSession& session, const Outstanding* upto);
    bool take_shared(ModelSession& session, const ModelDelivery& delivery, Outstanding& entry);
    bool fits_shared(ModelSession& session, const ModelDelivery& delivery,
                     const SharedExpected& one) const;
    bool take_live(ModelSession& session, const ModelDelivery& delivery, bool is_last_resort);
    static Expected* find_expected(ModelSession& session, const ModelDelivery& delivery);
    static Expected* find_attempt(ModelSession& session, const ModelDelivery& delivery);
    bool take_replay(ModelSession& session, const ModelDelivery& delivery);
    bool retake_live(ModelSession& session, const ModelDelivery& delivery);
    bool fits_replay(const ModelSession& session, const ModelDelivery& delivery,
                     const ExpectedReplay& replay, const ModelMessage& message) const;
    void check_window(const ModelSession& session);
    void check_content(const ModelSession& session, const ModelDelivery& delivery,
                       const ModelMessage& message);
    void check_fresh(const ModelSession& session, const ModelDelivery& delivery,
                     const ModelMessage& message, bool may_be_dup);
    void check_order(ModelSession& session, const ModelDelivery& delivery,
                     const ModelMessage& message, bool is_replay);
    bool may_be_retained(const ModelMessage& message, unsigned since) const;
    const ModelMessage* find_message(const std::string& payload) const;

    // model_settle.cc
    void settle_retained();
    void settle_outstanding(ModelSession& session);
    void settle_expected(ModelSession& session);
    void settle_replays(ModelSession& session);
    void settle_shared();
    bool stays_expected(const ModelSession& session, Expected& one);
    bool is_owed(const ModelSession& session, const ExpectedReplay& replay,
                 const std::string& topic, const ModelRetained& retained) const;
    bool is_missed(const ModelSession& session, const ExpectedReplay& replay,
                   const std::string& topic, const ModelRetained& retained) const;

    // model_groups.cc
    void offer_to_groups(Publication& publication);
    void expect_shared(const Publication& publication, const std::string& group, bool is_optional);
    void member_joins(const std::string& group);
    void member_left(const ModelSession& session, const std::string& group);
    void return_shared(ModelSession& session);
    bool has_able_member(const std::string& group, Qos qos) const;
    bool has_member(const std::string& group) const;
    bool can_take_at_once(const std::string& group, Qos qos, std::size_t count) const;

    // model_kept.cc
    void demand_kept(const std::string& note, const char* what);
    const KeptSession* kept_of(const ModelSession& session) const;
    void check_sent_kept(const ModelSession& session, const ModelDelivery& delivery);
    void check_released_kept(const ModelSession& session, std::uint16_t packet_id);
    void settle_kept();
    void check_kept_subscriptions(const ModelSession& session, const KeptSession& kept);
    void check_kept_deliveries(const ModelSession& session, const KeptSession& kept);
    void check_kept_waiting(const ModelSession& session, std::span<const KeptDelivery> waiting);
    bool must_wait(const ModelSession& session, const Expected& one) const;
    bool may_wait(const ModelSession& session, const KeptDelivery& kept) const;
    void check_kept_retained();
    void finish_kept();

    Trace& trace_;
    const Rules rules_;
    const bool has_stores_;
    const Kept* const kept_;
    std::uint32_t inflight_max_;
    TimeMs now_ = 0;
    unsigned step_ = 1;
    bool is_concurrent_ = false;
    bool is_stopping_ = false;
    unsigned deliveries_ = 0;
    std::vector<ModelSession> sessions_;
    std::map<std::string, ModelRetained> retained_;  // by topic
    std::map<std::uint64_t, SharedExpected> shared_;
    std::uint64_t last_shared_ = 0;
    std::set<std::pair<std::uint64_t, std::string>> served_groups_;  // messages, by number
    std::deque<ModelMessage> messages_;                              // by number, from 1
    std::deque<Publication> publications_;                           // all there ever were
    std::vector<Publication*> under_way_;                            // of this step
    std::set<std::string> left_groups_;  // somebody left them in this step
};

}  // namespace starling
