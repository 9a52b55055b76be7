// The end of a step: all is quiet, so what must come has come.
#include <algorithm>

#include "mqtt/topic.h"
#include "tests/sim/model.h"

namespace starling {
namespace {

bool is_empty(const ModelMessage* message, TimeMs now) {
    return !message || message->payload.empty() || message->is_expired(now);
}

bool is_certain(const SharedExpected& one) {
    return !one.is_optional && one.publication->is_certain &&
           !one.publication->message->has_loose_expiry();
}

}  // namespace

void Model::settle() {
    settle_retained();
    for (ModelSession& session : sessions_) {
        settle_outstanding(session);
        settle_replays(session);
        settle_expected(session);
        session.is_shaken = false;
        session.was_stalled = session.is_stalled;
    }
    settle_shared();
    settle_kept();
    under_way_.clear();
    left_groups_.clear();
    is_concurrent_ = false;
    ++step_;
}

// The last of each publisher may be the one that stays; what was there before, if all are doubtful.
void Model::settle_retained() {
    for (auto& [topic, retained] : retained_) {
        if (retained.news.empty()) continue;
        std::vector<const ModelMessage*> may_be;
        std::set<int> has_certain;
        for (auto at = retained.news.rbegin(); at != retained.news.rend(); ++at) {
            const Publication& one = **at;
            if (has_certain.count(one.message->publisher) != 0) continue;
            may_be.push_back(one.message);
            // A QoS 2 message that comes again is taken once, and perhaps was before.
            const bool is_sure =
                one.is_certain && !(one.is_again && one.message->qos == Qos::ExactlyOnce);
            if (is_sure) has_certain.insert(one.message->publisher);
        }
        for (const ModelMessage* old : retained.may_be) {
            if (std::count(may_be.begin(), may_be.end(), old) != 0) continue;
            if (has_certain.empty()) may_be.push_back(old);
            else retained.gone[old] = step_;
        }
        for (const Publication* one : retained.news)
            if (std::count(may_be.begin(), may_be.end(), one->message) == 0)
                retained.gone[one->message] = step_;
        retained.may_be = may_be;
        retained.changed = step_;
        retained.news.clear();
    }
}

void Model::settle_outstanding(ModelSession& session) {
    if (!session.is_connected) return;
    for (auto at = session.outstanding.begin(); at != session.outstanding.end();) {
        at->was_released = at->has_pubrec && at->is_current;
        const bool is_done = at->is_current && at->has_finished;
        if (is_done && at->shared != 0) shared_.erase(at->shared);
        at = is_done ? session.outstanding.erase(at) : std::next(at);
    }
    const auto current = static_cast<std::size_t>(
        std::count_if(session.outstanding.begin(), session.outstanding.end(),
                      [](const auto& one) { return one.is_current; }));
    if (!session.is_reading() || current >= session.window) return;
    for (auto at = session.outstanding.begin(); at != session.outstanding.end();) {
        if (!at->is_current && !at->may_be_done)
            return fail("client " + std::to_string(session.client) +
                        " was not sent again: " + at->delivery.text());
        const bool is_gone = !at->is_current;
        if (is_gone && at->shared != 0) shared_.erase(at->shared);
        at = is_gone ? session.outstanding.erase(at) : std::next(at);
    }
}

void Model::settle_expected(ModelSession& session) {
    for (auto at = session.expected.begin(); at != session.expected.end();) {
        if (session.is_shaken) at->may_be_dup = true;
        at = stays_expected(session, *at) ? std::next(at) : session.expected.erase(at);
    }
}

// Whether it may still come; fails if it is overdue.
bool Model::stays_expected(const ModelSession& session, Expected& one) {
    const bool is_drained = session.is_reading() && session.has_window();
    if (one.is_received) return one.may_be_replay && !is_drained;
    const bool may_be_dropped = one.lowest_qos() == Qos::AtMostOnce;
    if (session.is_shaken && may_be_dropped) one.is_optional = true;
    if (session.is_stalled) return true;
    if (one.message().is_expired(now_) && !one.may_be_dup) return false;
    const bool is_always_dropped = one.highest_qos() == Qos::AtMostOnce;
    if (session.is_connected && (session.has_window() || is_always_dropped)) {
        const bool is_owed = one.is_certain() && !one.message().is_expired(now_) &&
                             !one.message().has_loose_expiry();
        if (is_owed)
            fail("client " + std::to_string(session.client) + " did not get " +
                 one.message().topic + " '" + one.message().payload + "'");
        return false;
    }
    if (may_be_dropped || one.message().is_expired(now_)) one.is_optional = true;
    return !is_always_dropped;
}

void Model::settle_replays(ModelSession& session) {
    if (!session.is_reading() || !session.has_window()) return;
    for (const ExpectedReplay& one : session.replays)
        for (const auto& [topic, retained] : retained_)
            if (is_owed(session, one, topic, retained) || is_missed(session, one, topic, retained))
                fail("client " + std::to_string(session.client) + " did not get the retained " +
                     topic + " '" + retained.may_be.front()->payload + "' for " + one.filter);
    session.replays.clear();
}

bool Model::is_owed(const ModelSession& session, const ExpectedReplay& replay,
                    const std::string& topic, const ModelRetained& retained) const {
    // It may have come looking like a live message that need not have come.
    const auto may_be_it = [&](const Expected& one) {
        return one.is_received && one.may_be_replay && !one.is_certain() &&
               one.message().topic == topic &&
               fits_replay(session, one.received_as, replay, one.message());
    };
    if (std::any_of(session.expected.begin(), session.expected.end(), may_be_it)) return false;
    return replay.is_certain && matches(replay.filter, topic) && !replay.is_served(topic) &&
           retained.may_be.size() == 1 && retained.changed < replay.since &&
           !is_empty(retained.may_be.front(), now_) && !retained.may_be.front()->has_loose_expiry();
}

// Published while the SUBSCRIBE was under way, and neither heard live nor found at its topic's
// home.
bool Model::is_missed(const ModelSession& session, const ExpectedReplay& replay,
                      const std::string& topic, const ModelRetained& retained) const {
    if (session.is_shaken || session.was_stalled || retained.may_be.size() != 1 ||
        retained.changed < replay.since || !matches(replay.filter, topic) || !replay.is_certain)
        return false;
    const ModelMessage* message = retained.may_be.front();
    // Its own message may be kept from it by No Local, which may have come later.
    const bool may_be_hidden = is_empty(message, now_) || message->was_again ||
                               message->has_loose_expiry() || message->publisher == session.client;
    return !may_be_hidden && session.seen.count(message->number) == 0;
}

void Model::settle_shared() {
    for (auto at = shared_.begin(); at != shared_.end();) {
        SharedExpected& one = at->second;
        const bool is_waiting = one.state == SharedExpected::State::Waiting;
        const bool is_expired = one.publication->message->is_expired(now_);
        if (is_waiting && one.is_due && is_certain(one) && !is_expired)
            fail("nobody of " + one.group + " got '" + one.publication->message->payload + "'");
        one.is_due = false;
        // A client that did not read may have been sent it in time.
        const bool may_be_sent =
            one.may_be_dup ||
            std::any_of(sessions_.begin(), sessions_.end(), [&](const ModelSession& session) {
                return session.is_stalled && session.subscriptions.count(one.group) != 0;
            });
        const bool is_over = is_waiting && (is_expired || !has_member(one.group));
        const bool is_gone = is_over && !may_be_sent;
        one.is_optional = one.is_optional || is_over;
        at = is_gone ? shared_.erase(at) : std::next(at);
    }
}

void Model::finish() {
    for (const auto& [id, one] : shared_)
        if (one.state == SharedExpected::State::Waiting && is_certain(one) && has_member(one.group))
            fail("to the end nobody of " + one.group + " got '" +
                 one.publication->message->payload + "'");
    for (const ModelSession& session : sessions_)
        for (const Expected& one : session.expected)
            if (!one.is_received)
                fail("to the end client " + std::to_string(session.client) + " did not get '" +
                     one.message().payload + "'");
    finish_kept();
}

}  // namespace starling
