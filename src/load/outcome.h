// What a run came to, and the figures that follow from it.
#pragma once

#include <cstdint>
#include <optional>

#include "load/scenario.h"
#include "load/tally.h"
#include "load/usage.h"

namespace starling {

// Owner: a value.
struct RunOutcome {
    Tally tally;
    std::uint64_t clients = 0;  // that the scenario has
    double connect_seconds = 0;
    double counted_seconds = 0;  // of the counting window; 0: there was none
    bool was_interrupted = false;

    // The broker's, if its process is known: around the connecting, at the end of the hold, and
    // around the counting window. None: it was not there, or the run did not come so far.
    std::optional<ProcessUsage> before_connects, after_connects, after_hold, at_begin, at_end;
};

// What counts as a message where rates and costs are told: a delivery; where nobody here receives,
// an answer; where nobody answers, a message sent. All of the counting window.
std::uint64_t counted_messages(const LoadScenario& scenario, const RunOutcome& outcome);

// 0: all that QoS promises was kept. 1: a connection was lost or could not be made, or the broker
// refused something. 3: a message was lost, doubled or never answered against its QoS.
int exit_status(const RunOutcome& outcome);

// What the broker has used in the counting window; while connecting and holding, where there was
// none.
struct BrokerCost {
    CpuTime cpu;
    std::uint64_t voluntary_switches = 0;
    std::uint64_t involuntary_switches = 0;
    ProcessUsage at_end;
    std::optional<CpuTime> per_message;  // none: there were no messages
};
std::optional<BrokerCost> broker_cost(const LoadScenario& scenario, const RunOutcome& outcome);

// What each connection has cost the broker, and what it holds of its memory at the end of the hold.
struct ConnectCost {
    double cpu_s = 0;
    double rss_bytes = 0;
    double anon_bytes = 0;
};
std::optional<ConnectCost> connect_cost(const RunOutcome& outcome);

struct Quantile {
    const char* name;
    const char* key;  // in JSON
    double share;
};
inline constexpr Quantile kQuantiles[] = {
    {"p50", "p50", 0.5},       {"p90", "p90", 0.9},          {"p99", "p99", 0.99},
    {"p99.9", "p99_9", 0.999}, {"p99.99", "p99_99", 0.9999},
};

}  // namespace starling
