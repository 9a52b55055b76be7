// SUBSCRIBE and UNSUBSCRIBE from a client.
#include "base/sabotage.h"
#include "broker/broker.h"
#include "mqtt/topic.h"

namespace starling {

void Broker::on_subscribe(Handle handle, Connection& connection, const Frame& frame) {
    const auto packet = decode_subscribe(frame, connection.version);
    if (!packet) return fail(handle, connection, packet.error());
    if (packet->subscription_identifier != 0 && !options_.subscription_identifiers)
        return fail(handle, connection,
                    {Reason::SubscriptionIdentifiersNotSupported, "section 3.2.2.3.12"});
    if (!may_subscribe(handle, connection, *packet)) return;
    PendingSubscribe pending;
    pending.connection = handle;
    pending.packet_id = packet->packet_id;
    const std::uint64_t seen = commits_.changes();
    for (std::size_t i = 0; i < packet->filters.size(); ++i) {
        Reason reason = reason_of(verdicts_[i]);
        if (reason == Reason::Success)
            reason = subscribe_one(pending, connection.session, packet->filters[i],
                                   packet->subscription_identifier);
        else counters_.add(Count::Denied);
        pending.reasons.push_back(reason);
    }
    pending.commit = commit_since(seen);
    answer_subscribe(handle, connection, std::move(pending));
}

// At once, or when it is true.
void Broker::answer_subscribe(Handle handle, Connection& connection, PendingSubscribe pending) {
    if (is_due(pending)) return finish_subscribe(pending);
    pause(handle, connection, Connection::Pause::Announcement);
    pending.since = core_.now();
    subscribes_.push(std::move(pending));
}

// Asks about every filter. False when some answers come later.
bool Broker::may_subscribe(Handle handle, Connection& connection, const Subscribe& packet) {
    std::vector<Question> questions(packet.filters.size());
    for (std::size_t i = 0; i < questions.size(); ++i) {
        questions[i].action = Question::Action::Subscribe;
        questions[i].client_id = sessions_[connection.session.index].id;
        questions[i].topic = packet.filters[i].filter;
        questions[i].qos = packet.filters[i].qos;
    }
    return consult(handle, connection, questions);
}

Reason Broker::subscribe_one(PendingSubscribe& pending, Handle handle,
                             const SubscribeFilter& request, std::uint32_t identifier) {
    Session& session = sessions_[handle.index];
    if (const Reason reason = judge_filter(request.filter); reason != Reason::Success)
        return reason;
    const Qos granted = lower(request.qos, options_.maximum_qos);  // [MQTT-3.2.2-10]
    SubscriptionTerms terms;
    terms.qos = granted;
    terms.no_local = request.no_local;
    terms.retain_as_published = request.retain_as_published;
    terms.identifier = identifier;
    take_over_inherited(session, request.filter);
    const std::uint32_t old = subscriptions_.find(session.first_subscription, request.filter);
    const bool is_new = old == SubscriptionTable::kNone;
    if (is_new && subscriptions_of_client(handle.index) >= options_.subscriptions_per_client)
        return Reason::QuotaExceeded;
    if (is_new) add_subscription(handle, request.filter, terms);
    else if (!STARLING_SABOTAGED(KeepOldTerms))
        subscriptions_[old].terms = terms;  // [MQTT-3.8.4-3]
    keep(session, change::Subscribed{request.filter, terms});
    await_visibility(pending, request.filter);
    const bool is_replayed = request.retain_handling == 0 ||  // [MQTT-3.3.1-9]
                             (request.retain_handling == 1 && is_new);
    if (is_replayed && !is_shared_filter(request.filter)) {
        Replay replay;
        replay.filter = request.filter;
        replay.qos = granted;
        if (identifier != 0)
            replay.ids = make_counted<SubscriptionIds>(std::vector<std::uint32_t>{identifier});
        pending.replays.push_back(std::move(replay));
    }
    return static_cast<Reason>(granted);
}

void Broker::add_subscription(Handle handle, std::string_view filter,
                              const SubscriptionTerms& terms) {
    Session& session = sessions_[handle.index];
    const std::uint32_t place =
        subscriptions_.add(handle.index, session.first_subscription, filter, terms);
    ++session.subscriptions;
    if (is_shared_filter(filter)) join_group(std::string(filter), subscriptions_.handle(place));
}

// --- Visibility ---------------------------------------------------------------------------------

// SUBACK promises that whatever anybody publishes after it is delivered: so it waits until every
// core has heard of the filter, and the group's home of a new member.
void Broker::await_visibility(PendingSubscribe& pending, std::string_view filter) const {
    if (is_shared_filter(filter)) {
        pending.members_round = member_changes_.last();
        filter = split_share(filter)->filter;
    }
    if (!announcer_.is_visible(filter)) pending.interest_round = announcer_.last();
}

bool Broker::is_due(const PendingSubscribe& pending) const {
    return commits_.has_ended(pending.commit) &&
           (pending.interest_round <= announcer_.confirmed() ||
            STARLING_SABOTAGED(SkipInterestWait)) &&
           (pending.members_round <= member_changes_.confirmed() ||
            STARLING_SABOTAGED(SkipMembersWait));
}

void Broker::finish_subscribe(PendingSubscribe& pending) {
    Connection* connection = connections_.find(pending.connection);
    if (!connection || connection->state != Connection::State::Connected) return;
    Session& session = sessions_[connection->session.index];
    const auto encode = pending.answer == PacketType::Suback ? encode_suback : encode_unsuback;
    encode(frame_, connection->version, pending.packet_id, pending.reasons);
    send_frame(pending.connection, *connection);
    for (Replay& replay : pending.replays) start_replay(session, std::move(replay));
    if (connection->pause == Connection::Pause::Announcement)
        resume(pending.connection, *connection);
    pump(session);  // retained messages follow
}

void Broker::finish_due_subscribes() {
    while (!subscribes_.empty() && is_due(subscribes_.front())) {
        PendingSubscribe pending = subscribes_.pop();
        finish_subscribe(pending);
    }
}

// --- Judging and leaving ------------------------------------------------------------------------

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
    PendingSubscribe pending;
    pending.connection = handle;
    pending.answer = PacketType::Unsuback;
    pending.packet_id = packet->packet_id;
    for (const std::string_view filter : packet->filters) {
        // Some clients ask on another stream than the one that subscribed.
        const bool was_known =
            unsubscribe(session, filter) || unsubscribe_elsewhere(connection.session.index, filter);
        pending.reasons.push_back(was_known ? Reason::Success : Reason::NoSubscriptionExisted);
    }
    session.rest_if_idle();
    pending.commit = commit_so_far(sessions_[client_of(connection.session.index)]);
    answer_subscribe(handle, connection, std::move(pending));
}

// False when there was no such subscription.
bool Broker::unsubscribe(Session& session, std::string_view filter) {
    const std::uint32_t place = subscriptions_.find(session.first_subscription, filter);
    if (place == SubscriptionTable::kNone) return false;
    const RemoteHandle group = subscriptions_.group_of(subscriptions_[place]);
    remove_subscription(session, place);
    if (!STARLING_SABOTAGED(ForgetUnsubscribed)) keep(session, change::Unsubscribed{filter});
    if (session.traffic) stop_replays(*session.traffic, filter);
    if (group) return_unsent(session, &group);
    return true;
}

void Broker::remove_subscription(Session& session, std::uint32_t place) {
    const Subscription& subscription = subscriptions_[place];
    if (subscriptions_.is_shared(subscription))
        leave_group(subscriptions_.filter_text(subscription), subscriptions_.handle(place));
    subscriptions_.remove(session.first_subscription, place);
    --session.subscriptions;
}

}  // namespace starling
