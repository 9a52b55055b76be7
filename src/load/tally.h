// What a process of a run has counted.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "load/histogram.h"

namespace starling {

enum class Figure : std::uint8_t {
    Connected,
    Sent,         // in all
    Received,     // in all, each once
    SentCounted,  // in the counting window, as all that ends so
    ReceivedCounted,
    AnsweredCounted,  // PUBACK or PUBCOMP came
    Lost,
    LostPromised,  // that QoS 1 or 2 had promised
    Duplicated,
    DuplicatedPromised,  // that QoS 0 or 2 had promised not to be
    OutOfOrder,
    Unsent,      // were due, and had not left at the end
    Unanswered,  // QoS 1 and 2: no PUBACK or PUBCOMP came
    GivenUp,     // arrivals that a closed loop waited for in vain
    Foreign,     // messages of somebody else
    FailedConnects,
    LostConnections,
    RefusedSubscriptions,
    RefusedMessages,
    kEnd,
};

// Messages that one receiver misses of one flow.
struct Missing {
    std::string receiver;
    std::string topic;
    std::string publisher;
    std::uint32_t first = 0;
    std::uint32_t end = 0;
};

// Owner: whoever counts.
struct Tally {
    static constexpr std::size_t kMissingMax = 100;  // ranges that are listed

    std::uint64_t& operator[](Figure figure) { return figures[static_cast<std::size_t>(figure)]; }
    std::uint64_t operator[](Figure figure) const {
        return figures[static_cast<std::size_t>(figure)];
    }

    std::uint64_t errors() const;
    void merge(const Tally& other);

    std::array<std::uint64_t, static_cast<std::size_t>(Figure::kEnd)> figures{};
    Histogram latency_ns;
    std::vector<Missing> missing;
    std::string first_error;  // in words
};

}  // namespace starling
