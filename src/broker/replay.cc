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

// Each SUBSCRIBE has its own copies [MQTT-3.8.4-4], until as many wait as there may be
// subscriptions: then those of one filter become one. So a session has twice that many at most.
void Broker::start_replay(Session& session, Replay replay) {
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
