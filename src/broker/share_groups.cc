// Which member of a share group gets a message (MQTT 5.0, section 4.8.2).
#include <algorithm>

#include "broker/broker.h"

namespace starling {

// The picked member, or the next that can take it; else it waits at one that may queue. False when
// nobody is there for it.
bool Broker::offer_to_group(const Ref<const Message>& message, std::uint32_t index) {
    ShareGroup& group = subscriptions_.group(index);
    const auto count = static_cast<std::uint32_t>(group.members.size());
    const std::uint32_t picked = pick_member(group, *message);
    const auto member = [&](std::uint32_t step) { return group.members[(picked + step) % count]; };
    for (std::uint32_t step = 0; step < count; ++step) {
        const Subscription& candidate = subscriptions_[member(step)];
        if (!can_take(candidate.session, lower(message->qos(), candidate.terms.qos))) continue;
        if (options_.share_strategy == BrokerOptions::ShareStrategy::Sticky)
            group.cursor = (picked + step) % count;
        give_to_member(message, index, member(step));
        return true;
    }
    for (std::uint32_t step = 0; step < count; ++step) {
        const Subscription& candidate = subscriptions_[member(step)];
        if (lower(message->qos(), candidate.terms.qos) == Qos::AtMostOnce) continue;
        if (!can_queue(candidate.session)) continue;
        give_to_member(message, index, member(step));
        return true;
    }
    counters_.add(Count::DroppedNoMember);
    return false;
}

// The place in `members` to begin with.
std::uint32_t Broker::pick_member(ShareGroup& group, const Message& message) {
    using Strategy = BrokerOptions::ShareStrategy;
    const auto count = static_cast<std::uint32_t>(group.members.size());
    const auto by_hash = [&](std::string_view text) {
        return static_cast<std::uint32_t>(keyed_hash(key_, text) % count);
    };
    switch (options_.share_strategy) {
        case Strategy::RoundRobin: break;
        case Strategy::Random: return random_.below(count);
        case Strategy::Sticky: return group.cursor % count;
        case Strategy::HashTopic: return by_hash(message.topic());
        case Strategy::HashClientId: {
            const Session* publisher = sessions_.find(message.publisher());
            return by_hash(publisher ? std::string_view(publisher->id) : std::string_view());
        }
    }
    const std::uint32_t picked = group.cursor % count;
    group.cursor = (picked + 1) % count;
    return picked;
}

bool Broker::can_take(std::uint32_t place, Qos qos) {
    const Session& session = sessions_[place];
    const Connection* connection = connections_.find(session.connection);
    if (!connection || !has_outbox_room(*connection)) return false;
    if (qos == Qos::AtMostOnce) return true;
    return (!session.traffic || session.traffic->queue.empty()) && has_window(session, *connection);
}

bool Broker::can_queue(std::uint32_t place) {
    const Session& session = sessions_[place];
    return !session.traffic || session.traffic->queue.size() < options_.queue_messages;
}

void Broker::give_to_member(const Ref<const Message>& message, std::uint32_t group,
                            std::uint32_t subscription) {
    const Target target{subscriptions_[subscription].session, subscription};
    Delivery delivery = make_delivery(message, {&target, 1});
    delivery.group = subscriptions_.group_handle(group);
    offer(sessions_[target.session], std::move(delivery));
}

// What was queued and never sent goes back to its group; to `only_group`'s alone if given.
void Broker::return_unsent(Session& session, const Handle* only_group) {
    if (!session.traffic) return;
    std::vector<Delivery> returned;
    SessionTraffic& traffic = *session.traffic;
    for (std::uint32_t i = 0; i < traffic.queue.size();) {
        const Handle group = traffic.queue[i].group;
        if (group && (!only_group || group == *only_group)) {
            returned.push_back(traffic.queue.remove(i));
            traffic.bytes -= returned.back().message->size();
        } else {
            ++i;
        }
    }
    session.rest_if_idle();
    return_unacknowledged(std::move(returned));
}

void Broker::return_unacknowledged(std::vector<Delivery> deliveries) {
    for (const Delivery& delivery : deliveries) {
        const ShareGroup* group = subscriptions_.find_group(delivery.group);
        if (group) offer_to_group(delivery.message, delivery.group.index);
        else counters_.add(Count::DroppedNoMember);
    }
}

}  // namespace starling
