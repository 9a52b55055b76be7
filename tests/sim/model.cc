// What clients do.
#include "tests/sim/model.h"

#include <algorithm>

#include "base/limits.h"
#include "mqtt/topic.h"

namespace starling {
namespace {

// Identifiers of clients are 0, 1, ...: No Local asks for the client.
std::optional<ModelTerms> seen_by(const ModelSession& session, const ModelMessage& message,
                                  const std::optional<ModelTerms>& terms) {
    const bool is_own = terms && terms->no_local && message.publisher == session.client;
    return is_own ? std::nullopt : terms;
}

}  // namespace

Model::Model(Trace& trace, const ModelSetting& setting)
    : trace_(trace),
      rules_(setting.rules),
      has_stores_(setting.has_stores),
      kept_(setting.kept),
      inflight_max_(setting.inflight_max),
      sessions_(static_cast<std::size_t>(setting.clients)) {
    for (int i = 0; i < setting.clients; ++i) session_of(i).client = i;
}

// --- Connections and sessions --------------------------------------------------------------------

bool Model::connect(int client, const ModelConnect& terms) {
    ModelSession& session = session_of(client);
    if (session.is_connected) leave(client, true);
    if (session.exists && terms.clean_start) end_session(session);
    const bool is_present = session.exists;
    if (!is_present) {
        const unsigned life = session.life + 1;
        session = {};
        session.client = client;
        session.life = life;
    }
    session.version = terms.version;
    session.exists = session.is_connected = session.is_shaken = true;
    session.expiry_s = terms.expiry_s;
    session.receive_maximum = terms.receive_maximum;
    session.window = std::min<std::uint32_t>(terms.receive_maximum, inflight_max_);
    session.ends_at = session.will_due = kNever;
    session.will = terms.will;
    return is_present;
}

void Model::disconnect(int client, bool keeps_will, std::optional<std::uint32_t> expiry_s) {
    if (expiry_s) session_of(client).expiry_s = *expiry_s;
    leave(client, keeps_will);
}

void Model::lose(int client) { leave(client, true); }

void Model::leave(int client, bool keeps_will) {
    ModelSession& session = session_of(client);
    for (Expected& one : session.expected) {
        one.may_be_dup = true;
        if (session.is_stalled && one.lowest_qos() == Qos::AtMostOnce) one.is_optional = true;
    }
    for (Outstanding& one : session.outstanding) {
        one.is_current = false;
        one.may_be_done = one.has_finished;
    }
    for (ExpectedReplay& one : session.replays) one.is_certain = false;
    session.is_connected = false;
    session.is_shaken = true;
    for (const auto& [filter, states] : session.subscriptions)
        if (is_shared_filter(filter)) member_left(session, filter);
    session.is_stalled = false;

    if (!keeps_will) session.will.reset();
    if (session.expiry_s == 0) return end_session(session);
    session.ends_at =
        session.expiry_s == kNoExpiry ? kNever : now_ + session.expiry_s * TimeMs{1000};
    if (session.will && session.will->delay_s == 0) publish_will(session);
    if (session.will) session.will_due = now_ + session.will->delay_s * TimeMs{1000};
}

void Model::stall(int client, bool is_stalled) {
    session_of(client).is_stalled = is_stalled;
    session_of(client).was_stalled = true;
}

void Model::end_session(ModelSession& session) {
    publish_will(session);
    session.exists = session.is_connected = false;
    session.ends_at = kNever;
    const auto subscriptions = std::exchange(session.subscriptions, {});
    return_shared(session);
    for (const auto& [filter, states] : subscriptions)
        if (is_shared_filter(filter)) member_left(session, filter);
    session.expected.clear();
    session.replays.clear();
    session.outstanding.clear();
}

void Model::publish_will(ModelSession& session) {
    session.will_due = kNever;
    if (!session.will) return;
    const ModelWill will = *std::exchange(session.will, std::nullopt);
    const ModelMessage& message = *will.message;
    trace_.add("    will of " + std::to_string(session.client) + ": " + message.topic + " '" +
               message.payload + "'");
    publish(&message, false);
}

void Model::pass(TimeMs now) {
    now_ = now;
    int events = 0;
    for (ModelSession& session : sessions_) {
        if (session.ends_at > now && session.will_due > now) continue;
        if (++events > 1) is_concurrent_ = true;
    }
    for (ModelSession& session : sessions_) {
        if (session.ends_at <= now) end_session(session);
        else if (session.will_due <= now) publish_will(session);
    }
}

// A window that closes now opens no more: nothing that might need one is owed.
void Model::stop() {
    is_stopping_ = true;
    for (ModelSession& session : sessions_) {
        if (session.window < limits::kInflightOut) stall(session.client, true);
        const bool is_due = session.will && (session.will->delay_s == 0 || session.expiry_s == 0);
        if (session.is_connected && is_due) publish_will(session);
    }
}

TimeMs Model::next_event() const {
    TimeMs next = kNever;
    for (const ModelSession& session : sessions_)
        next = std::min({next, session.ends_at, session.will_due});
    return next;
}

// --- Subscriptions -------------------------------------------------------------------------------

void Model::subscribe(int client, const std::string& filter, const ModelTerms& terms,
                      int handling) {
    if (!rules_.may_subscribe(client_id(client), filter)) return;
    ModelSession& session = session_of(client);
    const MayBe before = session.subscriptions[filter];
    change(session, filter, terms);
    if (is_shared_filter(filter)) {
        session.past_terms[filter].push_back(terms);
        return;
    }
    if (handling == 2 || (handling == 1 && must_exist(before))) return;
    ExpectedReplay replay;
    replay.filter = filter;
    replay.terms = terms;
    replay.since = step_;
    replay.is_certain = handling == 0 || !may_exist(before);
    session.replays.push_back(replay);
}

void Model::subscribed(int client, const std::string& filter, const ModelTerms& terms) {
    session_of(client).subscriptions[filter] = {terms};
}

MayBe Model::unsubscribe(int client, const std::string& filter) {
    ModelSession& session = session_of(client);
    const MayBe before = session.subscriptions[filter];
    change(session, filter, std::nullopt);
    for (ExpectedReplay& one : session.replays)
        if (one.filter == filter) one.is_certain = false;
    return before;
}

void Model::unsubscribed(int client, const std::string& filter, const MayBe& before,
                         Reason reason) {
    ModelSession& session = session_of(client);
    session.subscriptions.erase(filter);
    if (must_exist(before) && reason != Reason::Success)
        fail("UNSUBACK says that there was no " + filter);
    if (!may_exist(before) && reason == Reason::Success && session.version == Version::V5)
        fail("UNSUBACK says that there was a " + filter);
    forget_replays(session, filter);
    if (is_shared_filter(filter)) member_left(session, filter);
}

// What was taken for another's may have been theirs.
void Model::forget_replays(ModelSession& session, const std::string& filter) {
    const auto is_it = [&](const ExpectedReplay& one) { return one.filter == filter; };
    if (std::none_of(session.replays.begin(), session.replays.end(), is_it)) return;
    std::erase_if(session.replays, is_it);
    for (ExpectedReplay& other : session.replays)
        for (auto at = other.served.begin(); at != other.served.end();) {
            const auto topic = at++;
            if (matches(filter, *topic)) other.perhaps_served.insert(other.served.extract(topic));
        }
}

// From now on the subscription may also be in that state, and what is under way may meet it so.
void Model::change(ModelSession& session, const std::string& filter,
                   std::optional<ModelTerms> terms) {
    MayBe& states = session.subscriptions[filter];
    if (states.empty()) states.push_back(std::nullopt);
    add_state(states, terms);
    if (is_shared_filter(filter)) return terms ? member_joins(filter) : void();
    for (Publication* publication : under_way_) {
        const ModelMessage& message = *publication->message;
        if (!matches(filter, message.topic)) continue;
        const auto state = seen_by(session, message, terms);
        Matching* known = nullptr;
        for (Expected& one : session.expected)
            for (Matching& attempt : one.attempts)
                if (attempt.publication == publication) known = &attempt;
        if (!known && !state) continue;
        ++publication->receivers_most;
        if (!known) {
            known = &expect(session, {publication, {}}).attempts.back();
        }
        MayBe& seen = known->filters[filter];
        if (seen.empty()) seen.push_back(std::nullopt);
        add_state(seen, state);
    }
}

// --- Messages ------------------------------------------------------------------------------------

const ModelMessage* Model::compose(ModelMessage message) {
    message.number = messages_.size() + 1;
    if (!message.payload.empty()) message.payload = "m" + std::to_string(message.number);
    messages_.push_back(std::move(message));
    return &messages_.back();
}

Publication* Model::publish(const ModelMessage* message, bool is_again) {
    Publication& publication = publications_.emplace_back();
    publication.message = message;
    publication.step = step_;
    publication.is_again = is_again;
    ModelMessage& kept = messages_[message->number - 1];
    if (kept.expiry_s != 0) kept.expires_at = now_ + kept.expiry_s * TimeMs{1000};
    kept.was_again = is_again;
    publication.is_refused =
        !message->is_will && !rules_.may_publish(client_id(message->publisher), message->topic);
    if (publication.is_refused) return &publication;
    for (ModelSession& session : sessions_)
        if (session.exists) expect_of(session, publication);
    offer_to_groups(publication);
    if (message->retain) retain(publication);
    under_way_.push_back(&publication);
    return &publication;
}

void Model::expect_of(ModelSession& session, Publication& publication) {
    const ModelMessage& message = *publication.message;
    Matching matching{&publication, {}};
    bool is_certain = false;
    for (const auto& [filter, states] : session.subscriptions) {
        if (is_shared_filter(filter) || !matches(filter, message.topic)) continue;
        MayBe seen;
        for (const auto& terms : states) add_state(seen, seen_by(session, message, terms));
        is_certain = is_certain || must_exist(seen);
        if (may_exist(seen)) matching.filters[filter] = seen;
    }
    if (!matching.filters.empty()) ++publication.receivers_most;
    if (is_certain) ++publication.receivers;

    const bool is_once = publication.is_again && message.qos == Qos::ExactlyOnce;
    if (is_once) {
        for (Expected& one : session.expected)
            if (&one.message() == &message) return one.attempts.push_back(matching);
        if (session.seen.count(message.number) != 0) return;
    }
    if (matching.filters.empty()) return;
    Expected& one = expect(session, matching);
    if (is_once) one.is_optional = true;  // the first attempt may have come, and matched nothing
}

// Of several messages without payload nobody can tell which one came.
Expected& Model::expect(ModelSession& session, const Matching& matching) {
    const ModelMessage& message = *matching.publication->message;
    bool is_alike = false;
    for (Expected& one : session.expected) {
        if (!message.payload.empty() || !one.message().payload.empty() ||
            one.message().topic != message.topic)
            continue;
        is_alike = one.is_optional = true;
        session.alike.insert(message.topic);
    }
    Expected& fresh = session.expected.emplace_back();
    fresh.attempts.push_back(matching);
    fresh.is_optional = is_alike;
    return fresh;
}

void Model::retain(Publication& publication) {
    retained_[publication.message->topic].news.push_back(&publication);
}

void Model::answered(const Publication& publication, Reason reason) {
    const bool is_refusal = reason == Reason::NotAuthorized;
    if (is_refusal != publication.is_refused)
        fail(std::string("a PUBLISH was answered with ") + reason_name(reason));
    if (is_refusal || is_concurrent_ || publication.is_again || publication.step != step_) return;
    const bool is_unmatched = reason == Reason::NoMatchingSubscribers;
    if (reason != Reason::Success && !is_unmatched)
        fail(std::string("a PUBLISH was answered with ") + reason_name(reason));
    if (is_unmatched && publication.receivers > 0) fail("no matching subscribers, but there are");
    if (!is_unmatched && publication.receivers_most == 0)
        fail("success, but there are no matching subscribers");
}

void Model::acknowledge(int client, PacketType type, std::uint16_t packet_id) {
    for (Outstanding& one : session_of(client).outstanding) {
        if (one.delivery.packet_id != packet_id || !one.is_current) continue;
        if (type == PacketType::Pubrec) one.has_pubrec = true;
        else one.has_finished = true;
    }
}

}  // namespace starling
