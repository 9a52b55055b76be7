// What a receiver was promised, and what has come of it.
#pragma once

#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "load/ledger.h"
#include "load/site.h"

namespace starling {

// The ledgers of all flows that one receiver subscribes to; clients that share a subscription are
// one receiver. Owner: its client, or the process for those who share.
class Reception {
public:
    // Every message of flows that match is expected, at the lower of both QoS. Filters that match
    // the same flow expect it once.
    void expect(const LoadSite& site, const std::string& filter, Qos qos);

    // Every message is welcome, whoever sends it. Then there is no end to judge by: what is missing
    // lies before the last that came.
    void expect_any() { expects_any_ = true; }

    // The ledger of this message; null when it is nobody's here.
    SequenceLedger* find(const LoadSite& site, const Stamp& stamp);

    // Flows, and the QoS at which they are delivered.
    struct Expected {
        FlowRange flows;
        Qos qos = Qos::AtMostOnce;
    };
    const std::vector<Expected>& expected() const { return expected_; }

    // Messages expected in all, when the flows have sent so many each.
    std::uint64_t total(std::span<const std::uint32_t> sent) const;

    // Counts what has not come, and lists some of it.
    void judge(LoadSite& site, const std::string& receiver, std::span<const std::uint32_t> sent);

private:
    void judge_flow(LoadSite& site, const std::string& receiver, std::uint32_t flow, Qos qos,
                    const SequenceLedger& ledger, std::uint32_t end);

    std::vector<Expected> expected_;
    std::vector<SequenceLedger> ledgers_;                    // of all expected flows, in order
    std::unordered_map<std::uint64_t, SequenceLedger> any_;  // by run and flow
    bool expects_any_ = false;
};

}  // namespace starling
