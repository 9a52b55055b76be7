// Who gets a message.
#include <algorithm>

#include "base/sabotage.h"
#include "broker/broker.h"

namespace starling {

// To this core's subscribers, to other cores that want it, and to its topic's home if it is to be
// retained: that one first, so that whoever hears of the message and asks there finds it.
// REQUIRES: has_credit().
void Broker::route(const Ref<const Message>& message, Handle ticket) {
    const CoreId self = core_.id();
    const bool is_retained = message->retain_flag();
    const CoreId home = is_retained && !STARLING_SABOTAGED(RetainAtPublisher)
                            ? commons_.home_of(message->topic())
                            : self;
    CoreSet wanting;
    if (commons_.cores() > 1) wanting = interest_.cores_for(message->topic());

    const auto request = [&](CoreId to) {
        if (ticket) ++tickets_[ticket.index].open;
        mailbox_.request(
            to, mail::Published{message, ticket, wanting.has(to), home == to && is_retained});
    };
    if (home != self) request(home);
    wanting.for_each([&](CoreId core) {
        if (core != home) request(core);
    });

    const Handle job = start_job(self, ticket);
    if (is_retained && home == self) jobs_[job.index].was_retained = keep_retained(message);
    deliver(job, message);
    release(job);
}

bool Broker::keep_retained(const Ref<const Message>& message) {
    const bool has_memory = message->payload().empty() || !commons_.memory.is_scarce();
    if (has_memory && retained_.set(message)) {
        keep_retained_message(*message);
        return true;
    }
    counters_.add(Count::RetainedRefused);
    return false;
}

// --- Jobs ----------------------------------------------------------------------------------------

// Its maker holds one part of it until release().
Handle Broker::start_job(CoreId from, Handle ticket) {
    if (from == core_.id()) {
        ++own_jobs_;
        if (ticket) ++tickets_[ticket.index].open;
    }
    return jobs_.emplace(PublishJob{from, ticket, true, commits_.changes(), 1, 0});
}

// A part of it is done. With the last, and the commit of what it has changed, its sender hears of
// it.
void Broker::release(Handle handle) {
    PublishJob& open = jobs_[handle.index];
    if (--open.open != 0) return;
    const std::uint64_t commit = commit_since(open.changes);
    if (commits_.has_ended(commit)) finish_job(handle);
    else await_commit(commit, AfterCommit::Job{handle});
}

void Broker::finish_job(Handle handle) {
    const PublishJob job = jobs_[handle.index];
    jobs_.erase(handle);
    if (job.from == core_.id()) {
        --own_jobs_;
        return settle(job.ticket, job.receivers, job.was_retained);
    }
    if (job.ticket)
        mailbox_.send(job.from, mail::Settled{job.ticket, job.receivers, job.was_retained});
    mailbox_.finish(job.from);
}

// --- Delivering on this core ---------------------------------------------------------------------

// Behind what still has receivers to serve, so that nothing is overtaken.
void Broker::deliver(Handle job, const Ref<const Message>& message) {
    FanOut fan_out{job, message, {}, 0, false};
    if (fan_outs_.empty()) {
        std::size_t budget = limits::kFanOutPerTurn;
        begin_fan_out(fan_out, budget);
        if (fan_out.receivers.empty()) return;
    }
    ++jobs_[job.index].open;
    fan_outs_.push(std::move(fan_out));
}

// Serves as many as `budget` allows and keeps the others for later turns.
void Broker::begin_fan_out(FanOut& fan_out, std::size_t& budget) {
    find_targets(*fan_out.message);
    const std::span<const Target> targets = targets_;
    std::size_t now = std::min(targets.size(), budget);
    // Not between two subscriptions of one session.
    while (now != 0 && now < targets.size() && targets[now].session == targets[now - 1].session)
        ++now;
    budget -= std::min(now, budget);
    jobs_[fan_out.job.index].receivers += serve_targets(fan_out.message, targets.first(now));
    for (const Target& target : targets.subspan(now))
        fan_out.receivers.push_back(
            {sessions_.handle(target.session), subscriptions_.handle(target.subscription)});
    if (!fan_out.receivers.empty()) targets_ = std::vector<Target>();
    fan_out.is_begun = true;
    for (const std::uint32_t filter : filters_)
        for (std::uint32_t group = subscriptions_.first_group(filter);
             group != SubscriptionTable::kNone; group = subscriptions_.group(group).next_in_filter)
            offer_to_group(fan_out.job, fan_out.message, group);
}

void Broker::run_fan_outs() {
    std::size_t budget = limits::kFanOutPerTurn;
    while (!fan_outs_.empty() && budget != 0) {
        FanOut& oldest = fan_outs_.front();
        --budget;  // also for one that nobody receives
        if (oldest.is_begun) serve_more(oldest, budget);
        else begin_fan_out(oldest, budget);
        if (oldest.next == oldest.receivers.size()) release(fan_outs_.pop().job);
    }
}

void Broker::serve_more(FanOut& fan_out, std::size_t& budget) {
    while (fan_out.next < fan_out.receivers.size() && budget != 0) {
        const Handle session = fan_out.receivers[fan_out.next].session;
        targets_.clear();
        while (fan_out.next < fan_out.receivers.size() &&
               fan_out.receivers[fan_out.next].session == session) {
            const Handle subscription = fan_out.receivers[fan_out.next++].subscription;
            if (sessions_.find(session) && subscriptions_.find(subscription))
                targets_.push_back({session.index, subscription.index});
        }
        jobs_[fan_out.job.index].receivers += serve_targets(fan_out.message, targets_);
        --budget;
    }
}

// Fills `filters_` with those that match and `targets_` with their subscriptions, of one session
// side by side.
void Broker::find_targets(const Message& message) {
    filters_.clear();
    targets_.clear();
    subscriptions_.match(message.topic(),
                         [&](std::uint32_t filter) { filters_.push_back(filter); });
    for (const std::uint32_t filter : filters_)
        for (std::uint32_t at = subscriptions_.first_subscription(filter);
             at != SubscriptionTable::kNone; at = subscriptions_[at].next_in_filter)
            if (is_for(subscriptions_[at], message))
                targets_.push_back({subscriptions_[at].session, at});
    if (filters_.size() > 1)
        std::stable_sort(targets_.begin(), targets_.end(),
                         [](const Target& a, const Target& b) { return a.session < b.session; });
}

// A session under several filters gets one delivery. Returns the sessions served.
std::uint32_t Broker::serve_targets(const Ref<const Message>& message,
                                    std::span<const Target> targets) {
    std::uint32_t receivers = 0;
    for (std::size_t begin = 0; begin < targets.size(); ++receivers) {
        std::size_t end = begin + 1;
        while (end < targets.size() && targets[end].session == targets[begin].session &&
               !STARLING_SABOTAGED(DeliverPerFilter))
            ++end;
        offer(sessions_[targets[begin].session],
              make_delivery(message, targets.subspan(begin, end - begin)));
        begin = end;
    }
    return receivers;
}

bool Broker::is_for(const Subscription& subscription, const Message& message) const {
    return STARLING_SABOTAGED(IgnoreNoLocal) || !subscription.terms.no_local ||
           !message.publisher() ||  // [MQTT-3.8.3-3]
           message.publisher() != RemoteHandle{core_.id(), sessions_.handle(subscription.session)};
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
    delivery.retain =
        (keeps_retain || STARLING_SABOTAGED(KeepRetainFlag)) && message->retain_flag();
    return delivery;
}

}  // namespace starling
