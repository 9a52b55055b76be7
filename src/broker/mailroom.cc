// Mail from and to other cores, and what waits until they have room.
#include <variant>

#include "base/sabotage.h"
#include "broker/broker.h"

namespace starling {

// --- In -----------------------------------------------------------------------------------------

// Questions about retained messages are answered a drain later than they came: what had been
// published when they were asked is here by then, whichever core it came from. Answers are handled
// a drain later too: what is older than they are is here by then.
void Broker::mail() {
    std::vector<std::pair<CoreId, mail::Pull>> asked;
    asked.swap(pulls_);
    std::vector<mail::Pulled> answers;
    answers.swap(answers_);
    authorizer_.run(*this);
    store_.run(*this);
    mailbox_.drain([&](CoreId from, mail::Any& any) { on_mail(from, any); });
    asked.swap(pulls_);
    answer_pulls();
    for (mail::Pulled& answer : answers) on_answer(answer);
    for (auto& late : asked) pulls_.push_back(std::move(late));
    if (has_credit() && !starved_replays_.empty()) {
        replaying_.insert(replaying_.end(), starved_replays_.begin(), starved_replays_.end());
        starved_replays_.clear();
    }
}

void Broker::on_mail(CoreId from, mail::Any& any) {
    std::visit(
        [&](auto& one) {
            if constexpr (!std::is_same_v<decltype(one), std::monostate&>) take(from, one);
        },
        any);
    any = {};
}

void Broker::take(CoreId from, mail::Moved& moved) {
    mailbox_.finish(from);
    if (stopping_ == Stopping::No) adopt(std::move(moved.stream), std::move(moved.unread));
}

void Broker::take(CoreId from, mail::Published& published) {
    PublishJob job = start_job(from, published.ticket);
    if (published.is_retained) job.was_retained = keep_retained(published.message);
    if (published.is_wanted && !(published.is_retained && STARLING_SABOTAGED(RetainOnly)))
        deliver(job, published.message);
    end(job);
}

void Broker::take(CoreId from, mail::Returned& returned) { offer_returned(from, returned); }

void Broker::take(CoreId from, mail::Evict&) {
    if (commons_.sessions.is_exceeded()) evict_oldest_here();
    mailbox_.finish(from);
}

void Broker::take(CoreId from, mail::Pull& pull) { pulls_.emplace_back(from, std::move(pull)); }

void Broker::take(CoreId, mail::Pulled& pulled) {
    if (STARLING_SABOTAGED(TakeAnswerAtOnce)) on_answer(pulled);
    else answers_.push_back(std::move(pulled));
}

void Broker::take(CoreId, mail::Settled& settled) {
    settle(settled.ticket, settled.receivers, settled.was_retained);
}

void Broker::take(CoreId from, mail::Offered& offered) {
    const std::uint64_t seen = commits_.changes();
    const mail::Answered answer{offered.offer, consider(offered, from)};
    const std::uint64_t commit = commit_since(seen);
    if (commits_.has_ended(commit)) mailbox_.send(from, answer);
    else await_commit(commit, AfterCommit::Answer{from, answer});
}

void Broker::take(CoreId, mail::Answered& answered) {
    if (!conclude(answered.offer, answered.answer) && !STARLING_SABOTAGED(ForgetRefusal))
        ask_on(answered.offer);
}

void Broker::take(CoreId from, mail::Interested& interested) {
    for (const InterestChange& change : interested.changes->values) interest_.apply(from, change);
    mailbox_.send(from, mail::InterestConfirmed{});
}

void Broker::take(CoreId, mail::InterestConfirmed&) {
    if (!announcer_.confirm()) return;
    while (!confirmations_.empty() &&
           confirmations_.front().interest_round <= announcer_.confirmed())
        mailbox_.send(confirmations_.pop().to, mail::MembersConfirmed{});
    finish_due_subscribes();
}

// A member is in when the group's own interest is visible to all.
void Broker::take(CoreId from, mail::Members& members) {
    for (const mail::MemberChange& change : members.changes) {
        const RemoteHandle member{from, change.subscription};
        if (change.joins) subscriptions_.join(change.group, member);
        else subscriptions_.leave(change.group, member);
    }
    if (announcer_.confirmed() == announcer_.last() || STARLING_SABOTAGED(ConfirmMembersEarly))
        return mailbox_.send(from, mail::MembersConfirmed{});
    confirmations_.push({from, announcer_.last()});
}

void Broker::take(CoreId, mail::MembersConfirmed&) {
    if (member_changes_.confirm()) finish_due_subscribes();
}

// --- Out ----------------------------------------------------------------------------------------

// Whether a packet may be handled that makes a request to every other core, and changes that the
// store has to keep.
bool Broker::has_credit() const {
    return mailbox_.has_credit() && own_jobs_ < options_.mail_credit &&
           announcer_.backlog() + member_changes_.backlog() < limits::kAnnouncements &&
           commits_.backlog() < limits::kUncommittedChanges;
}

bool Broker::wants_credit() const {
    return !starved_.empty() || !outgoing_.empty() || !returning_.empty() ||
           !starved_replays_.empty() || evictions_ != 0;
}

// What endings and timers cause goes out at the end of the turn, as far as there is credit: never
// in the middle of an ending.
void Broker::send_waiting() {
    while (!outgoing_.empty() && has_credit()) route(outgoing_.pop(), {});
    while (!returning_.empty() && has_credit()) return_to_group(returning_.pop());
    for (; evictions_ != 0 && has_credit(); --evictions_)
        if (commons_.sessions.is_exceeded()) evict_absent_session();
}

void Broker::post() {
    look_at_memory();
    send_waiting();
    begin_rounds();
    go_on_stopping();
    if (wants_credit()) mailbox_.await_credit();
    mailbox_.post();
    report_gauges();
}

void Broker::begin_rounds() {
    if (announcer_.can_begin()) {
        const auto others = static_cast<CoreId>(commons_.cores() - 1);
        const auto changes = announcer_.begin(others);
        for (CoreId core = 0; core < commons_.cores(); ++core)
            if (core != core_.id()) mailbox_.send(core, mail::Interested{changes});
    }
    if (member_changes_.can_begin()) begin_members_round();
}

void Broker::begin_members_round() {
    std::vector<mail::Members> letters(commons_.cores());
    for (auto& [home, change] : member_changes_.begin())
        letters[home].changes.push_back(std::move(change));
    std::uint32_t written = 0;
    for (CoreId home = 0; home < commons_.cores(); ++home) {
        if (letters[home].changes.empty()) continue;
        mailbox_.send(home, std::move(letters[home]));
        ++written;
    }
    member_changes_.expect(written);
}

void Broker::report_gauges() {
    counters_.set(Count::SessionsAbsent, absent_.size());
    counters_.set(Count::OldestAbsence,
                  absent_.size() == 0 ? kNever : sessions_[absent_.oldest()].absent_since);
    counters_.set(Count::OldestCommit, commits_.oldest_since());
    counters_.set(Count::Subscriptions, subscriptions_.size());
    counters_.set(Count::SubscriptionsShared, subscriptions_.shared_size());
}

}  // namespace starling
