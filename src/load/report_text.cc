#include "load/report_text.h"

#include <algorithm>

#include <fmt/format.h>

namespace starling {
namespace {

constexpr std::size_t kRangesShown = 10;

double microseconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e3; }

std::string connect_text(const LoadScenario& scenario, const RunOutcome& outcome) {
    std::string text = fmt::format("clients     {} of {} connected over {} in {:.2f} s",
                                   outcome.tally[Figure::Connected], outcome.clients,
                                   scenario.quic ? "QUIC" : "TCP", outcome.connect_seconds);
    if (const auto cost = connect_cost(outcome))
        text += fmt::format(", {:.1f} us of the broker's CPU and {:.0f} bytes resident each",
                            cost->cpu_s * 1e6, cost->rss_bytes);
    return text + '\n';
}

std::string missing_text(const std::vector<Missing>& missing) {
    std::string text;
    const std::size_t shown = std::min(missing.size(), kRangesShown);
    for (std::size_t at = 0; at < shown; ++at) {
        const Missing& one = missing[at];
        const std::string numbers = one.end - one.first == 1
                                        ? fmt::format("{}", one.first)
                                        : fmt::format("{} to {}", one.first, one.end - 1);
        text += fmt::format("            {} misses {} of {} from {}\n", one.receiver, numbers,
                            one.topic, one.publisher);
    }
    if (shown < missing.size()) text += "            and more: --json lists them\n";
    return text;
}

// What is rarely anything.
std::string oddities_text(const Tally& tally) {
    struct Oddity {
        Figure figure;
        const char* what;
    };
    static constexpr Oddity kOddities[] = {
        {Figure::LostPromised, "of the lost were promised by QoS 1 or 2"},
        {Figure::DuplicatedPromised, "of the duplicated QoS 0 or 2 forbids"},
        {Figure::Unanswered, "never answered"},
        {Figure::Unsent, "were due and never left: the broker, or this machine, is behind"},
        {Figure::GivenUp, "arrivals were waited for in vain by the closed loop"},
        {Figure::Foreign, "messages of others came"},
    };
    std::string text;
    for (const Oddity& one : kOddities)
        if (tally[one.figure] != 0)
            text += fmt::format("            {} {}\n", tally[one.figure], one.what);
    return text;
}

std::string latency_text(const Histogram& latency_ns) {
    if (latency_ns.count() == 0) return "";
    std::string text = "latency us  ";
    for (const Quantile& one : kQuantiles)
        text += fmt::format("{} {:.0f}, ", one.name, microseconds(latency_ns.quantile(one.share)));
    return text + fmt::format("max {:.0f}\n", microseconds(latency_ns.max()));
}

std::string messages_text(const LoadScenario& scenario, const RunOutcome& outcome) {
    const Tally& tally = outcome.tally;
    std::string text =
        fmt::format("messages    {} sent, {} received, {} lost, {} duplicated, {} out of order\n",
                    tally[Figure::Sent], tally[Figure::Received], tally[Figure::Lost],
                    tally[Figure::Duplicated], tally[Figure::OutOfOrder]);
    text += missing_text(tally.missing) + oddities_text(tally);
    if (outcome.counted_seconds > 0)
        text += fmt::format(
            "rate        {:.0f} messages/s over {:.1f} s\n",
            static_cast<double>(counted_messages(scenario, outcome)) / outcome.counted_seconds,
            outcome.counted_seconds);
    return text + latency_text(tally.latency_ns);
}

std::string broker_text(const LoadScenario& scenario, const RunOutcome& outcome) {
    const auto cost = broker_cost(scenario, outcome);
    if (!cost) return "";
    std::string text = fmt::format(
        "broker      {:.1f} MB resident, CPU {:.2f} s user and {:.2f} s system",
        static_cast<double>(cost->at_end.rss_bytes) / 1e6, cost->cpu.user_s, cost->cpu.system_s);
    if (const auto& each = cost->per_message)
        text += fmt::format(": {:.2f} us a message ({:.2f} and {:.2f})", each->sum_s() * 1e6,
                            each->user_s * 1e6, each->system_s * 1e6);
    return text + '\n';
}

std::string errors_text(const Tally& tally) {
    if (tally.errors() == 0) return "";
    return fmt::format(
        "errors      {} connects failed, {} connections lost, {} subscriptions and {} messages "
        "refused; the first: {}\n",
        tally[Figure::FailedConnects], tally[Figure::LostConnections],
        tally[Figure::RefusedSubscriptions], tally[Figure::RefusedMessages], tally.first_error);
}

}  // namespace

std::string report_text(const LoadScenario& scenario, const RunOutcome& outcome) {
    std::string text = connect_text(scenario, outcome);
    if (scenario.duration_s != 0) text += messages_text(scenario, outcome);
    return text + broker_text(scenario, outcome) + errors_text(outcome.tally);
}

std::string news_text(const RunNews& news) {
    const Tally& total = news.total;
    switch (news.kind) {
        case RunNews::Kind::Connecting:
            return fmt::format("connecting: {} connected, {} errors", total[Figure::Connected],
                               total.errors());
        case RunNews::Kind::Holding:
            return fmt::format("holding {} clients, {} errors",
                               total[Figure::Connected] - total[Figure::LostConnections],
                               total.errors());
        case RunNews::Kind::Draining:
            return fmt::format("draining: {} sent, {} received", total[Figure::Sent],
                               total[Figure::Received]);
        case RunNews::Kind::Running: break;
    }
    return fmt::format(
        "running: {:.0f} sent/s, {:.0f} received/s, latency p50 {:.0f} us, "
        "p99 {:.0f} us, {} errors",
        static_cast<double>(news.sent) / news.seconds,
        static_cast<double>(news.received) / news.seconds,
        microseconds(total.latency_ns.quantile(0.5)), microseconds(total.latency_ns.quantile(0.99)),
        total.errors());
}

}  // namespace starling
