// A finished run to report.
#pragma once

#include "load/outcome.h"

namespace starling {

inline LoadScenario pairs_scenario() {
    ModeSettings settings;
    settings.clients = 1;
    settings.publish.qos = Qos::AtLeastOnce;
    LoadScenario scenario;
    scenario.mode = "p2p";
    scenario.duration_s = 2;
    scenario.groups = pair_groups(settings);
    return scenario;
}

// What the broker has used so far, in seconds.
inline ProcessUsage used(double cpu_s, double user_s, double system_s) {
    ProcessUsage usage;
    usage.cpu_s = cpu_s;
    usage.user_s = user_s;
    usage.system_s = system_s;
    return usage;
}

inline RunOutcome finished_outcome() {
    RunOutcome outcome;
    outcome.clients = 2;
    outcome.connect_seconds = 0.5;
    outcome.counted_seconds = 2;
    Tally& tally = outcome.tally;
    tally[Figure::Connected] = 2;
    tally[Figure::Sent] = 1'100;
    tally[Figure::Received] = 1'097;
    tally[Figure::ReceivedCounted] = 1'000;
    tally[Figure::Lost] = 3;
    tally.missing.push_back({"s", "t", "p", 4, 7});
    for (std::uint64_t us = 1; us <= 100; ++us) tally.latency_ns.record(us * 1'000);

    outcome.before_connects = used(1, 0, 0);
    outcome.before_connects->rss_bytes = 1'000;
    outcome.before_connects->anon_bytes = 500;
    outcome.after_connects = used(1.001, 0, 0);
    outcome.after_connects->rss_bytes = 3'000;
    outcome.after_connects->anon_bytes = 1'500;
    outcome.at_begin = used(2, 1, 1);
    outcome.at_begin->voluntary_switches = 10;
    outcome.at_end = used(2.004, 1.03, 1.01);
    outcome.at_end->voluntary_switches = 15;
    outcome.at_end->involuntary_switches = 2;
    outcome.at_end->rss_bytes = 9'000;
    return outcome;
}

}  // namespace starling
