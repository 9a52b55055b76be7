// SUBSCRIBE and UNSUBSCRIBE from a client.
#include "broker/broker.h"
#include "mqtt/topic.h"

namespace starling {

void Broker::on_subscribe(Handle handle, Connection& connection, const Frame& frame) {
    const auto packet = decode_subscribe(frame, connection.version);
    if (!packet) return fail(handle, connection, packet.error());
    if (packet->subscription_identifier != 0 && !options_.subscription_identifiers)
        return fail(handle, connection,
                    {Reason::SubscriptionIdentifiersNotSupported, "section 3.2.2.3.12"});
    Session& session = sessions_[connection.session.index];
    std::vector<Reason> reasons;
    for (const SubscribeFilter& request : packet->filters)
        reasons.push_back(
            subscribe_one(connection.session, request, packet->subscription_identifier));
    encode_suback(frame_, connection.version, packet->packet_id, reasons);
    send_frame(handle, connection);
    pump(session);  // retained messages follow
}

Reason Broker::subscribe_one(Handle handle, const SubscribeFilter& request,
                             std::uint32_t identifier) {
    Session& session = sessions_[handle.index];
    if (const Reason reason = judge_filter(request.filter); reason != Reason::Success)
        return reason;
    const Qos granted = lower(request.qos, options_.maximum_qos);  // [MQTT-3.2.2-10]
    const SubscriptionTerms terms{granted, request.no_local, request.retain_as_published,
                                  identifier};
    const std::uint32_t old = subscriptions_.find(session.first_subscription, request.filter);
    const bool is_new = old == SubscriptionTable::kNone;
    if (is_new && session.subscriptions >= options_.subscriptions_per_client)
        return Reason::QuotaExceeded;
    if (is_new) {
        subscriptions_.add(handle.index, session.first_subscription, request.filter, terms);
        ++session.subscriptions;
    } else {
        subscriptions_[old].terms = terms;  // [MQTT-3.8.4-3]
    }
    const bool is_replayed = request.retain_handling == 0 ||  // [MQTT-3.3.1-9]
                             (request.retain_handling == 1 && is_new);
    if (is_replayed && !is_shared_filter(request.filter)) {
        Replay replay;
        replay.filter = request.filter;
        replay.qos = granted;
        if (identifier != 0)
            replay.ids = make_counted<SubscriptionIds>(std::vector<std::uint32_t>{identifier});
        start_replay(session, std::move(replay));
    }
    return static_cast<Reason>(granted);
}

Reason Broker::judge_filter(std::string_view filter) const {
    if (!is_topic_filter(filter)) return Reason::TopicFilterInvalid;
    if (is_shared_filter(filter) && !options_.shared_subscriptions)
        return Reason::SharedSubscriptionsNotSupported;
    if (has_wildcard(filter) && !options_.wildcard_subscriptions)
        return Reason::WildcardSubscriptionsNotSupported;
    if (level_count(filter) > options_.topic_levels) return Reason::TopicFilterInvalid;
    return Reason::Success;
}

void Broker::on_unsubscribe(Handle handle, Connection& connection, const Frame& frame) {
    const auto packet = decode_unsubscribe(frame, connection.version);
    if (!packet) return fail(handle, connection, packet.error());
    Session& session = sessions_[connection.session.index];
    std::vector<Reason> reasons;
    for (const std::string_view filter : packet->filters) {
        const std::uint32_t place = subscriptions_.find(session.first_subscription, filter);
        if (place == SubscriptionTable::kNone) {
            reasons.push_back(Reason::NoSubscriptionExisted);
            continue;
        }
        const std::uint32_t group = subscriptions_[place].group;
        const Handle left =
            group == SubscriptionTable::kNone ? Handle{} : subscriptions_.group_handle(group);
        subscriptions_.remove(session.first_subscription, place);
        --session.subscriptions;
        if (session.traffic) stop_replays(*session.traffic, filter);
        if (left) return_unsent(session, &left);
        reasons.push_back(Reason::Success);
    }
    session.rest_if_idle();
    encode_unsuback(frame_, connection.version, packet->packet_id, reasons);
    send_frame(handle, connection);
}

}  // namespace starling
