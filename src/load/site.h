// What the clients of one process of a run share.
#pragma once

#include <cstdint>
#include <vector>

#include "client/client.h"
#include "load/roster.h"
#include "load/tally.h"

namespace starling {

class Publication;

// Owner: the process's core.
struct LoadSite {
    const LoadScenario& scenario;
    const Roster& roster;

    Tally tally;
    Histogram latest_ns;  // latencies since the last report of progress

    // The counting window, of monotonic_ns().
    std::uint64_t count_from_ns = ~std::uint64_t{0};
    std::uint64_t count_until_ns = ~std::uint64_t{0};
    bool is_publishing = false;
    bool measures_answers = false;  // PUBACK and PUBCOMP end a message: nobody here receives it

    // Those that may have something to send, to be looked at before the turn ends.
    std::vector<Publication*> runnable;

    // Where arrivals end what a closed loop has on its way: by flow, null for all others.
    std::vector<Publication*> awaiting_arrivals;

    ByteVector payload;            // as long as the longest; the stamp is written over its start
    std::uint64_t unanswered = 0;  // messages of QoS 1 and 2

    bool is_counting(std::uint64_t now_ns) const {
        return now_ns >= count_from_ns && now_ns < count_until_ns;
    }

    // A message that was due then has come to its end after so long.
    void record_latency(std::uint64_t due_ns, std::uint64_t taken_ns) {
        latest_ns.record(taken_ns);
        if (is_counting(due_ns)) tally.latency_ns.record(taken_ns);
    }

    void note_error(Figure kind, std::string_view text) {
        ++tally[kind];
        if (tally.first_error.empty()) tally.first_error = text;
    }
};

}  // namespace starling
