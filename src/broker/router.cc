// Who gets a message.
#include <algorithm>

#include "broker/broker.h"

namespace starling {

Broker::Routed Broker::route(const Ref<const Message>& message) {
    Routed routed;
    if (message->retain_flag() && !retained_.set(message)) {
        counters_.add(Count::RetainedRefused);
        routed.was_retained = false;
    }
    filters_.clear();
    subscriptions_.match(message->topic(),
                         [&](std::uint32_t filter) { filters_.push_back(filter); });
    if (filters_.empty()) return routed;

    routed.receivers +=
        filters_.size() == 1 ? deliver_filter(message, filters_.front()) : deliver_merged(message);
    // Serving one group may make another a member's queue drop, never a filter go.
    const std::vector<std::uint32_t> filters = filters_;
    for (const std::uint32_t filter : filters)
        for (std::uint32_t group = subscriptions_.first_group(filter);
             group != SubscriptionTable::kNone; group = subscriptions_.group(group).next_in_filter)
            routed.receivers += offer_to_group(message, group);
    return routed;
}

// One filter matches: every subscription is another session's.
std::size_t Broker::deliver_filter(const Ref<const Message>& message, std::uint32_t filter) {
    std::size_t receivers = 0;
    for (std::uint32_t at = subscriptions_.first_subscription(filter);
         at != SubscriptionTable::kNone; at = subscriptions_[at].next_in_filter) {
        const Target target{subscriptions_[at].session, at};
        if (!is_for(subscriptions_[at], *message)) continue;
        offer(sessions_[target.session], make_delivery(message, {&target, 1}));
        ++receivers;
    }
    return receivers;
}

// Several filters match: a session under more than one of them gets one delivery.
std::size_t Broker::deliver_merged(const Ref<const Message>& message) {
    targets_.clear();
    for (const std::uint32_t filter : filters_)
        for (std::uint32_t at = subscriptions_.first_subscription(filter);
             at != SubscriptionTable::kNone; at = subscriptions_[at].next_in_filter)
            if (is_for(subscriptions_[at], *message))
                targets_.push_back({subscriptions_[at].session, at});
    std::stable_sort(targets_.begin(), targets_.end(),
                     [](const Target& a, const Target& b) { return a.session < b.session; });
    std::size_t receivers = 0;
    for (std::size_t begin = 0; begin < targets_.size(); ++receivers) {
        std::size_t end = begin;
        while (end < targets_.size() && targets_[end].session == targets_[begin].session) ++end;
        offer(sessions_[targets_[begin].session],
              make_delivery(message, std::span(targets_).subspan(begin, end - begin)));
        begin = end;
    }
    return receivers;
}

bool Broker::is_for(const Subscription& subscription, const Message& message) const {
    return !subscription.terms.no_local || !message.publisher() ||  // [MQTT-3.8.3-3]
           message.publisher() != sessions_.handle(subscription.session);
}

// The highest QoS of all [MQTT-3.3.4-2], every identifier [MQTT-3.3.4-4], RETAIN if any asks for
// it.
Delivery Broker::make_delivery(const Ref<const Message>& message, std::span<const Target> targets) {
    Delivery delivery;
    delivery.message = message;
    Qos granted = Qos::AtMostOnce;
    bool keeps_retain = false;
    std::vector<std::uint32_t> ids;
    for (const Target& target : targets) {
        const SubscriptionTerms& terms = subscriptions_[target.subscription].terms;
        granted = higher(granted, terms.qos);
        keeps_retain = keeps_retain || terms.retain_as_published;
        if (terms.identifier != 0) ids.push_back(terms.identifier);
    }
    if (!ids.empty()) delivery.ids = make_counted<SubscriptionIds>(std::move(ids));
    delivery.qos = lower(message->qos(), granted);
    delivery.retain = keeps_retain && message->retain_flag();
    return delivery;
}

}  // namespace starling
