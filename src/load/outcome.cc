#include "load/outcome.h"

#include <algorithm>

namespace starling {
namespace {

bool has_receivers(const LoadScenario& scenario) {
    return std::any_of(scenario.groups.begin(), scenario.groups.end(),
                       [](const ClientGroup& group) { return !group.subscribes.empty(); });
}

bool has_answers(const LoadScenario& scenario) {
    for (const ClientGroup& group : scenario.groups)
        for (const PublishPlan& plan : group.publishes)
            if (plan.qos != Qos::AtMostOnce) return true;
    return false;
}

// At the end of the hold, or of the connecting where there was none.
const std::optional<ProcessUsage>& settled(const RunOutcome& outcome) {
    return outcome.after_hold ? outcome.after_hold : outcome.after_connects;
}

double growth(std::uint64_t before, std::uint64_t after) {
    return static_cast<double>(after) - static_cast<double>(before);
}

}  // namespace

std::uint64_t counted_messages(const LoadScenario& scenario, const RunOutcome& outcome) {
    if (has_receivers(scenario)) return outcome.tally[Figure::ReceivedCounted];
    if (has_answers(scenario)) return outcome.tally[Figure::AnsweredCounted];
    return outcome.tally[Figure::SentCounted];
}

int exit_status(const RunOutcome& outcome) {
    const Tally& tally = outcome.tally;
    const std::uint64_t broken =
        tally[Figure::LostPromised] + tally[Figure::DuplicatedPromised] + tally[Figure::Unanswered];
    if (broken != 0) return 3;
    return tally.errors() != 0 ? 1 : 0;
}

std::optional<BrokerCost> broker_cost(const LoadScenario& scenario, const RunOutcome& outcome) {
    const bool has_window = outcome.at_begin && outcome.at_end;
    const auto& before = has_window ? outcome.at_begin : outcome.before_connects;
    const auto& after = has_window ? outcome.at_end : settled(outcome);
    if (!before || !after) return {};

    BrokerCost cost{
        .cpu = cpu_between(*before, *after),
        .voluntary_switches = after->voluntary_switches - before->voluntary_switches,
        .involuntary_switches = after->involuntary_switches - before->involuntary_switches,
        .at_end = *after,
        .per_message = {}};
    if (const auto count = static_cast<double>(counted_messages(scenario, outcome)); count != 0)
        cost.per_message = {.user_s = cost.cpu.user_s / count,
                            .system_s = cost.cpu.system_s / count};
    return cost;
}

std::optional<ConnectCost> connect_cost(const RunOutcome& outcome) {
    const auto& before = outcome.before_connects;
    const auto& after = settled(outcome);
    const auto clients = static_cast<double>(outcome.tally[Figure::Connected]);
    if (!before || !after || clients == 0) return {};
    return ConnectCost{.cpu_s = cpu_between(*before, *outcome.after_connects).sum_s() / clients,
                       .rss_bytes = growth(before->rss_bytes, after->rss_bytes) / clients,
                       .anon_bytes = growth(before->anon_bytes, after->anon_bytes) / clients};
}

}  // namespace starling
