// Which member of a share group gets a message (MQTT 5.0, section 4.8.2).
#include <algorithm>

#include "base/sabotage.h"
#include "broker/broker.h"

namespace starling {

// --- At the group's home ------------------------------------------------------------------------

// Looks for a member that takes the message now, then for one that queues it; part of `job` until
// somebody has it or nobody wants it.
void Broker::offer_to_group(PublishJob& job, const Ref<const Message>& message,
                            std::uint32_t index) {
    ShareOffer offer;
    offer.message = message;
    offer.group = subscriptions_.group_handle(index);
    offer.job = prolong(job);
    offer.first = pick_member(subscriptions_.group(index), *message);
    ask_on(offers_.emplace(std::move(offer)));
}

// Who joined then is asked first.
std::uint64_t Broker::pick_member(ShareGroup& group, const Message& message) {
    using Strategy = BrokerOptions::ShareStrategy;
    const auto by_hash = [&](std::uint64_t hash) {
        return group.members[hash % group.members.size()].joined;
    };
    switch (options_.share_strategy) {
        case Strategy::RoundRobin: break;
        case Strategy::Random: return by_hash(random_.next());
        case Strategy::Sticky: return group.from(group.cursor).joined;
        case Strategy::HashTopic: return by_hash(message.topic_hash());
        case Strategy::HashClientId: return by_hash(message.publisher_hash());
    }
    const std::uint64_t picked = group.from(group.cursor).joined;
    group.cursor = picked + 1;
    return picked;
}

// Asks one member after the other, until one has to answer by mail or the matter is settled.
void Broker::ask_on(Handle handle) {
    while (true) {
        ShareOffer& offer = offers_[handle.index];
        const ShareGroup* group = subscriptions_.find_group(offer.group);
        const ShareGroup::Member* member = group ? next_member(*group, offer) : nullptr;
        if (!member) return end_offer(handle, false);
        const mail::Offered offered{handle, offer.group, member->subscription.handle, offer.message,
                                    offer.may_queue};
        if (member->subscription.core != core_.id())
            return mailbox_.send(member->subscription.core, offered);
        if (conclude(handle, consider(offered, core_.id()))) return;
    }
}

// The next to be asked, going round once to send and, if that may help, once to queue.
const ShareGroup::Member* Broker::next_member(const ShareGroup& group, ShareOffer& offer) const {
    // How far from the first, in the order of joining.
    const auto distance = [&](std::uint64_t joined) { return joined - offer.first; };
    const ShareGroup::Member* next = &group.from(offer.has_asked ? offer.asked + 1 : offer.first);
    const bool has_gone_round = offer.has_asked && distance(next->joined) <= distance(offer.asked);
    if (has_gone_round) {
        if (offer.may_queue || !offer.could_queue) return nullptr;
        offer.may_queue = true;
        next = &group.from(offer.first);
    }
    offer.has_asked = true;
    offer.asked = next->joined;
    return next;
}

// A member's answer. True when that settles the matter.
bool Broker::conclude(Handle handle, mail::OfferAnswer answer) {
    ShareOffer& offer = offers_[handle.index];
    if (answer != mail::OfferAnswer::Taken || STARLING_SABOTAGED(ServeEveryMember)) {
        offer.could_queue |= answer == mail::OfferAnswer::RefusedButCouldQueue;
        return false;
    }
    ShareGroup* group = subscriptions_.find_group(offer.group);
    const bool is_sticky = options_.share_strategy == BrokerOptions::ShareStrategy::Sticky;
    if (group && is_sticky && !offer.may_queue) group->cursor = offer.asked;
    end_offer(handle, true);
    return true;
}

void Broker::end_offer(Handle handle, bool was_taken) {
    const Handle job = offers_[handle.index].job;
    offers_.erase(handle);
    if (was_taken) ++jobs_[job.index].receivers;
    else counters_.add(Count::DroppedNoMember);
    release(job);
}

// --- At the member's home -----------------------------------------------------------------------

// Takes the message for the member if it can.
mail::OfferAnswer Broker::consider(const mail::Offered& offered, CoreId home) {
    using mail::OfferAnswer;
    const Subscription* member = subscriptions_.find(offered.subscription);
    if (!member) return OfferAnswer::Refused;  // it has left
    const Qos qos = lower(offered.message->qos(), member->terms.qos);
    const bool could_queue = qos != Qos::AtMostOnce && can_queue(member->session, *offered.message);
    // Also when it is to queue it: its QoS may be another by now [MQTT-3.8.4-4].
    if (!can_take(member->session, qos) && !(offered.may_queue && could_queue))
        return could_queue ? OfferAnswer::RefusedButCouldQueue : OfferAnswer::Refused;
    const Target target{member->session, offered.subscription.index};
    DeliveryTerms terms = terms_of(*offered.message, {&target, 1});
    terms.group = {home, offered.group};
    subscriptions_.set_group_of(*member, terms.group);
    offer(sessions_[target.session], offered.message, std::move(terms));
    return OfferAnswer::Taken;
}

bool Broker::can_take(std::uint32_t place, Qos qos) {
    const Session& session = sessions_[place];
    const Connection* connection = connections_.find(session.connection);
    if (!connection || !has_outbox_room(*connection)) return false;
    if (qos == Qos::AtMostOnce) return true;
    const SessionTraffic* traffic = session.traffic.get();
    const bool is_ahead = traffic && (!traffic->queue.empty() || traffic->has_unsent());
    return !is_ahead && has_window(session, *connection);
}

// Without dropping anything.
bool Broker::can_queue(std::uint32_t place, const Message& message) {
    const Session& session = sessions_[place];
    if (!session.traffic || session.traffic->bytes == 0) return true;
    return session.traffic->queue.size() < options_.queue_messages &&
           cost(session) + message.size() <= options_.client_bytes;
}

void Broker::join_group(const std::string& text, Handle subscription) {
    const CoreId home = commons_.home_of(text);
    if (home == core_.id()) return subscriptions_.join(text, {home, subscription});
    member_changes_.add({home, {text, subscription, true}});
}

void Broker::leave_group(const std::string& text, Handle subscription) {
    const CoreId home = commons_.home_of(text);
    if (home == core_.id()) return subscriptions_.leave(text, {home, subscription});
    member_changes_.add({home, {text, subscription, false}});
}

// --- What departed members leave ----------------------------------------------------------------

// What was queued and never sent goes back to its group; to `only_group`'s alone if given.
void Broker::return_unsent(Session& session, const RemoteHandle* only_group) {
    if (!session.traffic || STARLING_SABOTAGED(KeepUnsent)) return;
    SessionTraffic& traffic = *session.traffic;
    for (std::uint32_t i = 0; i < traffic.queue.size();) {
        const RemoteHandle group = traffic.queue[i].group;
        if (group && (!only_group || group == *only_group)) {
            keep(session, change::Finished{traffic.inflight.size() + i});
            Delivery delivery = traffic.queue.remove(i);
            traffic.bytes -= delivery.message->size();
            returning_.push(std::move(delivery));
        } else {
            ++i;
        }
    }
    session.rest_if_idle();
}

// REQUIRES: has_credit().
void Broker::return_to_group(const Delivery& delivery) {
    const RemoteHandle group = delivery.group;
    const mail::Returned returned{group.handle, delivery.message};
    if (group.core == core_.id()) return offer_returned(group.core, returned);
    mailbox_.request(group.core, returned);
}

void Broker::offer_returned(CoreId from, const mail::Returned& returned) {
    PublishJob job = start_job(from, {});
    if (subscriptions_.find_group(returned.group) && !STARLING_SABOTAGED(LoseReturned))
        offer_to_group(job, returned.message, returned.group.index);
    else counters_.add(Count::DroppedNoMember);
    end(job);
}

}  // namespace starling
