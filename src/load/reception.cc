#include "load/reception.h"

#include <algorithm>

#include <fmt/format.h>

namespace starling {
namespace {

bool overlap(FlowRange one, FlowRange other) {
    return one.first < other.end && other.first < one.end;
}

}  // namespace

void Reception::expect(const LoadSite& site, const std::string& filter, Qos qos) {
    for (const FlowRange flows : site.roster.flows_matching(filter)) {
        const bool is_known =
            std::any_of(expected_.begin(), expected_.end(),
                        [&](const Expected& known) { return overlap(known.flows, flows); });
        if (is_known) continue;
        expected_.push_back({flows, std::min(qos, site.roster.plan(flows.first).qos)});
        for (std::uint32_t flow = flows.first; flow < flows.end; ++flow) ledgers_.emplace_back();
    }
}

SequenceLedger* Reception::find(const LoadSite& site, const Stamp& stamp) {
    if (expects_any_)
        return &any_.try_emplace(std::uint64_t{stamp.run} << 32 | stamp.flow, stamp.sequence)
                    .first->second;
    if (stamp.run != site.scenario.run) return nullptr;
    std::size_t before = 0;
    for (const Expected& one : expected_) {
        if (stamp.flow >= one.flows.first && stamp.flow < one.flows.end)
            return &ledgers_[before + stamp.flow - one.flows.first];
        before += one.flows.end - one.flows.first;
    }
    return nullptr;
}

std::uint64_t Reception::total(std::span<const std::uint32_t> sent) const {
    std::uint64_t total = 0;
    for (const Expected& one : expected_)
        for (std::uint32_t flow = one.flows.first; flow < one.flows.end; ++flow)
            total += sent[flow];
    return total;
}

void Reception::judge(LoadSite& site, const std::string& receiver,
                      std::span<const std::uint32_t> sent) {
    auto ledger = ledgers_.begin();
    for (const Expected& one : expected_)
        for (std::uint32_t flow = one.flows.first; flow < one.flows.end; ++flow)
            judge_flow(site, receiver, flow, one.qos, *ledger++, sent[flow]);
    for (const auto& [name, any] : any_) site.tally[Figure::Lost] += any.missing(any.next());
}

void Reception::judge_flow(LoadSite& site, const std::string& receiver, std::uint32_t flow, Qos qos,
                           const SequenceLedger& ledger, std::uint32_t end) {
    const std::uint64_t missing = ledger.missing(end);
    if (missing == 0) return;
    site.tally[Figure::Lost] += missing;
    if (qos != Qos::AtMostOnce) site.tally[Figure::LostPromised] += missing;
    for (const SequenceRange range : ledger.missing_ranges(end)) {
        if (site.tally.missing.size() >= Tally::kMissingMax) return;
        site.tally.missing.push_back({.receiver = receiver,
                                      .topic = site.roster.topic(flow),
                                      .publisher = site.roster.publisher(flow),
                                      .first = range.first,
                                      .end = range.end});
    }
}

}  // namespace starling
