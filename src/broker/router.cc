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
    if (commons_.cores() > 1) wanting = interest_.cores_for(message->hashed_topic());

    const auto request = [&](CoreId to) {
        if (ticket) ++tickets_[ticket.index].open;
        mailbox_.request(
            to, mail::Published{message, ticket, wanting.has(to), home == to && is_retained});
    };
    if (home != self) request(home);
    wanting.for_each([&](CoreId core) {
        if (core != home) request(core);
    });

    PublishJob job = start_job(self, ticket);
    if (is_retained && home == self) job.was_retained = keep_retained(message);
    deliver(job, message);
    end(job);
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

PublishJob Broker::start_job(CoreId from, Handle ticket) {
    if (from == core_.id() && ticket) ++tickets_[ticket.index].open;
    PublishJob job;
    job.from = from;
    job.ticket = ticket;
    job.changes = commits_.changes();
    return job;
}

// Something of it goes on in later turns: that has to release() it.
Handle Broker::prolong(PublishJob& job) {
    if (!job.prolonged) {
        job.prolonged = jobs_.emplace(
            PublishJob{job.from, job.ticket, true, job.changes, 0, 1, {}});  // open until end()
        if (job.from == core_.id()) ++own_jobs_;
    }
    ++jobs_[job.prolonged.index].open;
    return job.prolonged;
}

// All is done that is done at once. Its sender hears of it with the last part, and the commit of
// what it has changed.
void Broker::end(PublishJob& job) {
    const std::uint64_t commit = commit_since(job.changes);
    if (!commits_.has_ended(commit)) await_commit(commit, AfterCommit::Job{prolong(job)});
    if (!job.prolonged) return finish(job);
    PublishJob& prolonged = jobs_[job.prolonged.index];
    prolonged.receivers += job.receivers;
    prolonged.was_retained = job.was_retained;
    close_part(job.prolonged);
}

// A part is done that went on later.
void Broker::release(Handle handle) {
    const std::uint64_t commit = commit_since(jobs_[handle.index].changes);
    if (commits_.has_ended(commit)) close_part(handle);
    else await_commit(commit, AfterCommit::Job{handle});
}

void Broker::close_part(Handle handle) {
    PublishJob& prolonged = jobs_[handle.index];
    if (--prolonged.open != 0) return;
    const PublishJob job = prolonged;
    jobs_.erase(handle);
    if (job.from == core_.id()) --own_jobs_;
    finish(job);
}

void Broker::finish(const PublishJob& job) {
    if (job.from == core_.id()) return settle(job.ticket, job.receivers, job.was_retained);
    if (job.ticket)
        mailbox_.send(job.from, mail::Settled{job.ticket, job.receivers, job.was_retained});
    mailbox_.finish(job.from);
}

// --- Delivering on this core ---------------------------------------------------------------------

// Behind what still has receivers to serve, so that nothing is overtaken.
void Broker::deliver(PublishJob& job, const Ref<const Message>& message) {
    std::vector<FanOut::Receiver> later;
    const bool is_first = fan_outs_.empty() && may_fan_out() && fan_out_budget_ != 0;
    if (is_first) {
        later = begin_fan_out(job, message, fan_out_budget_);
        if (later.empty()) return;
    }
    fan_outs_.push({prolong(job), message, std::move(later), 0, is_first});
}

// Serves as many as `budget` allows; returns the others.
std::vector<FanOut::Receiver> Broker::begin_fan_out(PublishJob& job,
                                                    const Ref<const Message>& message,
                                                    std::size_t& budget) {
    find_targets(*message);
    const std::span<const Target> targets = targets_;
    std::size_t now = std::min(targets.size(), budget);
    // Not between two subscriptions of one session.
    while (now != 0 && now < targets.size() && targets[now].session == targets[now - 1].session)
        ++now;
    budget -= std::min(now, budget);
    job.receivers += serve_targets(message, targets.first(now));
    std::vector<FanOut::Receiver> later;
    for (const Target& target : targets.subspan(now))
        later.push_back(
            {sessions_.handle(target.session), subscriptions_.handle(target.subscription)});
    if (!later.empty()) targets_ = std::vector<Target>();
    for (const std::uint32_t filter : filters_)
        for (std::uint32_t group = subscriptions_.first_group(filter);
             group != SubscriptionTable::kNone; group = subscriptions_.group(group).next_in_filter)
            offer_to_group(job, message, group);
    return later;
}

void Broker::run_fan_outs() {
    fan_out_budget_ = limits::kFanOutPerTurn;
    while (!fan_outs_.empty() && fan_out_budget_ != 0 && may_fan_out()) {
        FanOut& oldest = fan_outs_.front();
        --fan_out_budget_;  // also for one that nobody receives
        if (oldest.is_begun) serve_more(oldest, fan_out_budget_);
        else begin_late(oldest, fan_out_budget_);
        if (oldest.next == oldest.receivers.size()) release(fan_outs_.pop().job);
    }
}

// One that had to wait for those before it.
void Broker::begin_late(FanOut& fan_out, std::size_t& budget) {
    PublishJob part;  // of the job that goes on
    part.prolonged = fan_out.job;
    fan_out.receivers = begin_fan_out(part, fan_out.message, budget);
    fan_out.is_begun = true;
    jobs_[fan_out.job.index].receivers += part.receivers;
}

void Broker::serve_more(FanOut& fan_out, std::size_t& budget) {
    while (fan_out.next < fan_out.receivers.size() && budget != 0) {
        const Handle session = fan_out.receivers[fan_out.next].session;
        targets_.clear();
        while (fan_out.next < fan_out.receivers.size() &&
               fan_out.receivers[fan_out.next].session == session) {
            const Handle subscription = fan_out.receivers[fan_out.next++].subscription;
            // It may have been inherited since.
            if (const Subscription* one = subscriptions_.find(subscription))
                targets_.push_back({one->session, subscription.index});
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
    subscriptions_.match(message.hashed_topic(),
                         [&](std::uint32_t filter) { filters_.push_back(filter); });
    for (const std::uint32_t filter : filters_)
        for (std::uint32_t at = subscriptions_.first_subscription(filter);
             at != SubscriptionTable::kNone; at = subscriptions_[at].next_in_filter) {
            const Subscription& one = subscriptions_[at];
            if (!one.terms.no_local || !is_own(one, message)) targets_.push_back({one.session, at});
        }
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
        offer(sessions_[targets[begin].session], message,
              terms_of(*message, targets.subspan(begin, end - begin)));
        begin = end;
    }
    return receivers;
}

// Whether the subscriber has published it itself, on whatever stream: under No Local it does not
// get it [MQTT-3.8.3-3].
bool Broker::is_own(const Subscription& subscription, const Message& message) const {
    return message.publisher() ==
               RemoteHandle{core_.id(), sessions_.handle(client_of(subscription.session))} &&
           !STARLING_SABOTAGED(IgnoreNoLocal);
}

// The highest QoS of all [MQTT-3.3.4-2], every identifier [MQTT-3.3.4-4], RETAIN if any asks for
// it.
DeliveryTerms Broker::terms_of(const Message& message, std::span<const Target> targets) {
    DeliveryTerms delivery;
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
    delivery.qos = lower(message.qos(), granted);
    delivery.retain = (keeps_retain || STARLING_SABOTAGED(KeepRetainFlag)) && message.retain_flag();
    return delivery;
}

}  // namespace starling
