// Numbers for all clients and flows of a scenario, and which flows a filter will be sent.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "load/scenario.h"

namespace starling {

struct FlowRange {
    std::uint32_t first = 0;
    std::uint32_t end = 0;  // one past the last

    bool operator==(const FlowRange&) const = default;
};

// One client of a scenario.
struct ClientPlace {
    std::uint32_t group = 0;
    std::uint32_t index = 0;  // in its group
};

// Every process of a run makes the same one, so that a number means the same to all.
// Owner: a process of the run; outlived by the scenario.
class Roster {
public:
    explicit Roster(const LoadScenario& scenario);

    std::uint32_t clients() const { return clients_; }
    std::uint64_t flows() const { return flows_; }

    // The process in which a client lives: pairs of one index together, those who share in one.
    std::uint32_t process_of(ClientPlace client) const;
    std::vector<ClientPlace> clients_of(std::uint32_t process) const;

    // "bench-3f-publisher-17".
    std::string name(ClientPlace client) const;

    // The flow that a client publishes by a plan of its group.
    std::uint32_t flow(ClientPlace client, std::size_t plan) const;
    const PublishPlan& plan(std::uint32_t flow) const;
    std::string topic(std::uint32_t flow) const;

    std::string publisher(std::uint32_t flow) const;

    // All flows of the plan that this flow belongs to.
    FlowRange siblings(std::uint32_t flow) const;

    // The flows whose topics match a filter, in order.
    std::vector<FlowRange> flows_matching(const std::string& filter) const;

private:
    struct Entry {
        const PublishPlan* plan;
        std::uint32_t group;
        FlowRange flows;
    };

    const Entry& entry(std::uint32_t flow) const;

    const LoadScenario& scenario_;
    std::vector<Entry> entries_;              // in the order of their flows
    std::vector<std::uint32_t> first_entry_;  // of each group
    std::uint32_t clients_ = 0;
    std::uint64_t flows_ = 0;
};

}  // namespace starling
