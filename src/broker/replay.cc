// Retained messages to a new subscription, as fast as the client takes them, from one core that has
// some to the next.
#include <algorithm>

#include "base/sabotage.h"
#include "broker/broker.h"
#include "mqtt/topic.h"

namespace starling {

// --- At the subscriber's core -------------------------------------------------------------------

// Goes on with the oldest replay. True when pump() should look again.
bool Broker::replay_some(Session& session, Handle handle, Connection& connection) {
    SessionTraffic& traffic = *session.traffic;
    if (traffic.replays.empty() || !has_window(session, connection)) return false;
    Replay& replay = traffic.replays.front();
    if (!replay.fetched.empty()) return replay_fetched(session, handle, connection, replay);
    if (replay.pull != 0) return false;
    if (replay.core == replay.core_end) {
        traffic.replays.pop();
        return true;
    }
    if (replay.core == core_.id()) return replay_here(session, handle, connection, replay);
    pull(session, connection.session, replay);
    return false;
}

bool Broker::replay_here(Session& session, Handle handle, Connection& connection, Replay& replay) {
    if (replay_budget_ < 2) {  // one for the look itself; goes on in the next turn
        wait_to_replay(session, connection.session, replaying_);
        return false;
    }
    --replay_budget_;  // also for a filter that nothing matches
    const auto after =
        retained_.scan(replay.filter, replay.after, replay_budget_, core_.now(),
                       [&](const Ref<const Message>& message) {
                           if (has_come_live(replay, *message)) return true;
                           replay_one(session, handle, connection, replay, message);
                           return has_window(session, connection) && has_outbox_room(connection);
                       });
    if (after.empty()) {
        replay.after.clear();
        ++replay.core;
        return true;
    }
    replay.after = after;
    return replay_budget_ == 0;  // else the client's window or outbox is full
}

// One message of an answer, if it has not expired since [MQTT-3.3.2-5].
bool Broker::replay_fetched(Session& session, Handle handle, Connection& connection,
                            Replay& replay) {
    const Ref<const Message> message = replay.fetched.pop();
    if (message && !message->is_expired(core_.now()))
        replay_one(session, handle, connection, replay, message);
    return true;
}

void Broker::replay_one(Session& session, Handle handle, Connection& connection,
                        const Replay& replay, const Ref<const Message>& message) {
    DeliveryTerms terms{replay.ids, {}, lower(message->qos(), replay.qos), true};
    if (terms.qos == Qos::AtMostOnce) return send_now(handle, connection, message, terms);
    Delivery delivery(message, std::move(terms));
    if (!STARLING_SABOTAGED(ForgetReplays)) keep(session, change::Queued{delivery});
    start_inflight(session, handle, connection, std::move(delivery));
}

// Asks the core that the replay has come to.
void Broker::pull(Session& session, Handle handle, Replay& replay) {
    if (!has_credit()) return wait_to_replay(session, handle, starved_replays_);
    if (++last_pull_ == 0) ++last_pull_;
    replay.pull = last_pull_;
    mailbox_.request(replay.core, mail::Pull{handle, replay.pull, replay.filter, replay.after});
}

void Broker::on_answer(mail::Pulled& pulled) {
    Session* session = sessions_.find(pulled.session);
    if (!session || !session->traffic || session->traffic->replays.empty()) return;
    Replay& replay = session->traffic->replays.front();
    if (replay.pull != pulled.pull) return;  // the subscription has gone meanwhile
    replay.pull = 0;
    if (replay.live.size() > limits::kLiveTopics) {
        replay.live.clear();  // nobody knows what is older: it is asked for again
    } else {
        for (Ref<const Message>& message : pulled.messages)
            if (!has_come_live(replay, *message)) replay.fetched.push(std::move(message));
        replay.after = std::move(pulled.after);
        if (pulled.is_last) {
            replay.after.clear();
            ++replay.core;
        }
    }
    pump(*session);
}

bool Broker::has_come_live(const Replay& replay, const Message& message) const {
    if (replay.live.empty()) return false;
    return std::find(replay.live.begin(), replay.live.end(), message.topic_hash()) !=
           replay.live.end();
}

// A message came live that is to be retained: what an answer says of its topic is older or the
// same.
void Broker::note_live(Session& session, const Message& message) {
    if (!session.traffic || session.traffic->replays.empty()) return;
    Replay& replay = session.traffic->replays.front();
    if (replay.live.size() <= limits::kLiveTopics && !has_come_live(replay, message))
        replay.live.push_back(message.topic_hash());
    for (std::uint32_t at = 0; at < replay.fetched.size(); ++at)
        if (replay.fetched[at] && replay.fetched[at]->topic() == message.topic())
            replay.fetched[at] = {};
}

void Broker::wait_to_replay(Session& session, Handle handle, std::vector<Handle>& list) {
    if (session.traffic->is_replaying) return;
    session.traffic->is_replaying = true;
    list.push_back(handle);
}

void Broker::run_replays() {
    std::vector<Handle> replaying;
    replaying.swap(replaying_);
    for (const Handle handle : replaying)
        if (Session* session = sessions_.find(handle)) {
            if (session->traffic) session->traffic->is_replaying = false;
            pump(*session);
        }
}

// Each SUBSCRIBE has its own copies [MQTT-3.8.4-4], until as many wait as there may be
// subscriptions: then those of one filter become one. So a session has twice that many at most.
void Broker::start_replay(Session& session, Replay replay) {
    const bool is_wild = has_wildcard(replay.filter) && !STARLING_SABOTAGED(PullFromOneCore);
    replay.core = is_wild ? CoreId{0} : commons_.home_of(replay.filter);
    replay.core_end = static_cast<CoreId>(is_wild ? commons_.cores() : replay.core + 1);
    SessionTraffic& traffic = session.busy();
    if (traffic.replays.size() >= options_.subscriptions_per_client)
        stop_replays(traffic, replay.filter);
    traffic.replays.push(std::move(replay));
}

void Broker::stop_replays(SessionTraffic& traffic, std::string_view filter) {
    for (std::uint32_t at = 0; at < traffic.replays.size();) {
        if (traffic.replays[at].filter == filter) traffic.replays.remove(at);
        else ++at;
    }
}

// --- At the topic's home ------------------------------------------------------------------------

void Broker::answer_pulls() {
    std::size_t answered = 0;
    for (; answered < pulls_.size() && replay_budget_ != 0; ++answered)
        answer_pull(pulls_[answered].first, pulls_[answered].second);
    pulls_.erase(pulls_.begin(), pulls_.begin() + static_cast<std::ptrdiff_t>(answered));
}

void Broker::answer_pull(CoreId from, const mail::Pull& pull) {
    mail::Pulled answer;
    answer.session = pull.session;
    answer.pull = pull.pull;
    std::size_t budget = std::min<std::size_t>(replay_budget_, limits::kPullTopics);
    replay_budget_ -= budget;
    std::size_t bytes = 0;
    answer.after = retained_.scan(
        pull.filter, pull.after, budget, core_.now(), [&](const Ref<const Message>& message) {
            answer.messages.push_back(message);
            bytes += message->size();
            return answer.messages.size() < limits::kPullMessages && bytes < limits::kPullBytes;
        });
    replay_budget_ += budget;  // what it did not need
    if (replay_budget_ != 0) --replay_budget_;
    answer.is_last = answer.after.empty();
    mailbox_.send(from, std::move(answer));
    mailbox_.finish(from);
}

}  // namespace starling
