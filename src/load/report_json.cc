#include "load/report_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace starling {
namespace {

using Json = nlohmann::ordered_json;

// Three decimals are more than was measured.
double rounded(double value) { return std::round(value * 1e3) / 1e3; }

Json microseconds(const std::optional<double>& seconds) {
    return seconds ? Json(rounded(*seconds * 1e6)) : Json(nullptr);
}

Json broker_json(const LoadScenario& scenario, const RunOutcome& outcome) {
    const auto cost = broker_cost(scenario, outcome);
    if (!cost) return nullptr;
    std::optional<double> sum, user, system;
    if (const auto& each = cost->per_message)
        sum = each->sum_s(), user = each->user_s, system = each->system_s;
    return {{"cpu_user_s", rounded(cost->cpu.user_s)},
            {"cpu_system_s", rounded(cost->cpu.system_s)},
            {"cpu_us_per_message", microseconds(sum)},
            {"cpu_user_us_per_message", microseconds(user)},
            {"cpu_system_us_per_message", microseconds(system)},
            {"voluntary_switches", cost->voluntary_switches},
            {"involuntary_switches", cost->involuntary_switches},
            {"rss_bytes", cost->at_end.rss_bytes},
            {"anon_bytes", cost->at_end.anon_bytes}};
}

Json connect_json(const RunOutcome& outcome) {
    Json connect = {{"count", outcome.tally[Figure::Connected]},
                    {"seconds", rounded(outcome.connect_seconds)},
                    {"cpu_us_per_connect", nullptr},
                    {"rss_bytes_per_client", nullptr},
                    {"anon_bytes_per_client", nullptr}};
    if (const auto cost = connect_cost(outcome)) {
        connect["cpu_us_per_connect"] = microseconds(cost->cpu_s);
        connect["rss_bytes_per_client"] = rounded(cost->rss_bytes);
        connect["anon_bytes_per_client"] = rounded(cost->anon_bytes);
    }
    return connect;
}

Json latency_json(const Histogram& latency_ns) {
    if (latency_ns.count() == 0) return nullptr;
    const auto text = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
    Json latency = {{"count", latency_ns.count()}};
    for (const Quantile& one : kQuantiles) latency[one.key] = text(latency_ns.quantile(one.share));
    latency["max"] = text(latency_ns.max());
    return latency;
}

Json missing_json(const std::vector<Missing>& missing) {
    Json list = Json::array();
    for (const Missing& one : missing)
        list.push_back({{"receiver", one.receiver},
                        {"publisher", one.publisher},
                        {"topic", one.topic},
                        {"first", one.first},
                        {"last", one.end - 1}});
    return list;
}

Json errors_json(const Tally& tally) {
    return {{"connects", tally[Figure::FailedConnects]},
            {"connections", tally[Figure::LostConnections]},
            {"subscriptions", tally[Figure::RefusedSubscriptions]},
            {"messages", tally[Figure::RefusedMessages]},
            {"first", tally.first_error}};
}

Json counted_json(const Tally& tally) {
    return {{"sent", tally[Figure::SentCounted]},
            {"received", tally[Figure::ReceivedCounted]},
            {"answered", tally[Figure::AnsweredCounted]}};
}

}  // namespace

std::string report_json(const LoadScenario& scenario, const RunOutcome& outcome) {
    const Tally& tally = outcome.tally;
    const double seconds = outcome.counted_seconds;
    const auto counted = static_cast<double>(counted_messages(scenario, outcome));
    const Json report = {
        {"mode", scenario.mode},
        {"transport", scenario.quic ? "quic" : "tcp"},
        {"clients", outcome.clients},
        {"processes", scenario.processes},
        {"sent", tally[Figure::Sent]},
        {"received", tally[Figure::Received]},
        {"lost", tally[Figure::Lost]},
        {"lost_promised", tally[Figure::LostPromised]},
        {"duplicated", tally[Figure::Duplicated]},
        {"duplicated_promised", tally[Figure::DuplicatedPromised]},
        {"out_of_order", tally[Figure::OutOfOrder]},
        {"unsent", tally[Figure::Unsent]},
        {"unanswered", tally[Figure::Unanswered]},
        {"given_up", tally[Figure::GivenUp]},
        {"foreign", tally[Figure::Foreign]},
        {"missing", missing_json(tally.missing)},
        {"seconds", rounded(seconds)},
        {"counted", counted_json(tally)},
        {"messages_per_second", seconds > 0 ? rounded(counted / seconds) : 0},
        {"latency_us", latency_json(tally.latency_ns)},
        {"broker", broker_json(scenario, outcome)},
        {"connect", connect_json(outcome)},
        {"errors", tally.errors()},
        {"errors_by_kind", errors_json(tally)},
        {"interrupted", outcome.was_interrupted},
    };
    return report.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace starling
