#include "load/publication.h"

#include <utility>

#include <fmt/format.h>

#include "base/time.h"

namespace starling {

Publication::Publication(LoadSite& site, Client& client, std::uint32_t flow)
    : site_(site),
      client_(client),
      plan_(site.roster.plan(flow)),
      topic_(site.roster.topic(flow)),
      answers_(plan_.window, plan_.qos == Qos::AtMostOnce ? 0 : 1),
      arrivals_(plan_.window, 0),
      flow_(flow),
      number_(flow - site.roster.siblings(flow).first) {}

void Publication::mark_runnable() {
    if (!std::exchange(is_runnable_, true)) site_.runnable.push_back(this);
}

void Publication::on_arrived(std::uint64_t count) {
    arrivals_.on_ended(count);
    has_moved_ = true;
    mark_runnable();
}

// When the client refuses it says when to try again.
void Publication::run(std::uint64_t now_ns) {
    is_runnable_ = false;
    for (int count = 0; count < kPerRun; ++count)
        if (!may_send(now_ns) || !send(now_ns)) return;
    mark_runnable();
}

bool Publication::may_send(std::uint64_t now_ns) const {
    if (!site_.is_publishing || sent_ == plan_.messages_max) return false;
    if (schedule_) return sent_ < due_;
    if (now_ns >= site_.count_until_ns) return false;
    return plan_.window == 0 || (answers_.is_open() && arrivals_.is_open());
}

// In a closed loop a message is due when there is room for it.
bool Publication::send(std::uint64_t now_ns) {
    const std::uint64_t due = schedule_ ? schedule_->due_ns(number_, sent_) : now_ns;
    write_stamp({.run = site_.scenario.run, .flow = flow_, .sequence = sent_, .due_ns = due},
                site_.payload.data());
    if (!hand_over(due)) return false;
    ++sent_;
    ++site_.tally[Figure::Sent];
    if (site_.is_counting(due)) ++site_.tally[Figure::SentCounted];
    answers_.on_sent();
    arrivals_.on_sent();
    return true;
}

bool Publication::hand_over(std::uint64_t due_ns) {
    const MessageView message{.topic = topic_,
                              .payload = Bytes(site_.payload).first(plan_.bytes),
                              .qos = plan_.qos,
                              .retain = plan_.is_retained};
    if (plan_.qos == Qos::AtMostOnce) return client_.publish_now(message);

    ++site_.unanswered;
    const bool is_taken =
        client_.publish_now(message, [this, due_ns](Reason reason) { on_answer(due_ns, reason); });
    if (!is_taken) --site_.unanswered;
    return is_taken;
}

// PUBACK, or PUBCOMP: where arrivals are not watched it is the end of the message.
void Publication::on_answer(std::uint64_t due_ns, Reason reason) {
    --site_.unanswered;
    if (is_error(reason))
        site_.note_error(Figure::RefusedMessages,
                         fmt::format("{}: {}", topic_, reason_name(reason)));
    const std::uint64_t now = monotonic_ns();
    if (site_.is_counting(now)) ++site_.tally[Figure::AnsweredCounted];
    if (site_.measures_answers) site_.record_latency(due_ns, now - due_ns);
    answers_.on_ended(1);
    has_moved_ = true;
    mark_runnable();
}

// Only arrivals: an answer that is missing is the broker's fault, and its window stays closed.
void Publication::look_for_stall() {
    if (std::exchange(has_moved_, false) || plan_.window == 0 || arrivals_.is_open()) return;
    site_.tally[Figure::GivenUp] += arrivals_.give_up();
    mark_runnable();
}

// Such a message counts with the time that it has waited: it would have taken longer.
void Publication::stop(std::uint64_t now_ns) {
    for (std::uint64_t number = sent_; number < due_; ++number) {
        const std::uint64_t due = schedule_->due_ns(number_, static_cast<std::uint32_t>(number));
        site_.record_latency(due, now_ns - due);
        ++site_.tally[Figure::Unsent];
    }
}

}  // namespace starling
