// Retained messages to a new subscription, as fast as the client takes them.
#include "broker/broker.h"

namespace starling {

// Goes on with the oldest replay. True when pump() should look again.
bool Broker::replay_some(Session& session, Handle handle, Connection& connection) {
    SessionTraffic& traffic = *session.traffic;
    if (traffic.replays.empty() || !has_window(session, connection)) return false;
    if (replay_budget_ == 0) {  // goes on in the next turn
        if (!traffic.is_replaying) replaying_.push_back(connection.session);
        traffic.is_replaying = true;
        return false;
    }
    Replay& replay = traffic.replays.front();
    --replay_budget_;  // also for a filter that nothing matches
    const auto after = retained_.scan(
        replay.filter, replay.after, replay_budget_, core_.now(),
        [&](const Ref<const Message>& message) {
            Delivery delivery{message, replay.ids, {}, lower(message->qos(), replay.qos), true};
            if (delivery.qos == Qos::AtMostOnce) send_now(handle, connection, delivery);
            else start_inflight(session, handle, connection, std::move(delivery));
            return has_window(session, connection) && has_outbox_room(connection);
        });
    if (after.empty()) {
        traffic.replays.pop();
        return true;
    }
    replay.after = after;
    return replay_budget_ == 0;  // else the client's window or outbox is full
}

// A session has one replay for a filter at most, so subscriptions bound them.
void Broker::stop_replay(Session& session, std::string_view filter) {
    if (!session.traffic) return;
    auto& replays = session.traffic->replays;
    for (std::uint32_t at = 0; at < replays.size(); ++at)
        if (replays[at].filter == filter) {
            replays.remove(at);
            return session.rest_if_idle();
        }
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

}  // namespace starling
