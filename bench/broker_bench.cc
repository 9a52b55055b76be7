// What matching a topic costs among many filters, and what a filter costs to keep.
#include <malloc.h>
#include <string>

#include <benchmark/benchmark.h>

#include "broker/subscription_table.h"

namespace starling {
namespace {

constexpr HashKey kKey{1, 2};

// The subscriptions of one session each, as a fleet has them.
class Fleet {
public:
    void add(const std::string& filter) {
        std::uint32_t first = SubscriptionTable::kNone;
        table_.add(sessions_++, first, filter, {});
    }
    SubscriptionTable& table() { return table_; }

private:
    Fingerprints fingerprints_{kKey};
    Announcer announcer_{fingerprints_, false};
    SubscriptionTable table_{kKey, announcer_};
    std::uint32_t sessions_ = 0;
};

std::string exact_filter(int device) { return "fleet/" + std::to_string(device) + "/command"; }
std::string wildcard_filter(int device) { return "site/" + std::to_string(device) + "/+/state"; }

void match_among_many(benchmark::State& state) {
    static Fleet& fleet = *[] {
        auto* filled = new Fleet;
        for (int device = 0; device < 1'000'000; ++device) filled->add(exact_filter(device));
        for (int device = 0; device < 100'000; ++device) filled->add(wildcard_filter(device));
        return filled;
    }();
    const bool is_wildcard = state.range(0) != 0;
    unsigned device = 0;
    std::size_t found = 0;
    for (auto _ : state) {
        device = (device + 7919) % 100'000;
        const std::string topic = is_wildcard ? "site/" + std::to_string(device) + "/door/state"
                                              : exact_filter(static_cast<int>(device));
        fleet.table().match(topic, [&](std::uint32_t) { ++found; });
    }
    state.SetLabel(is_wildcard ? "one wildcard hit" : "one exact hit");
    state.counters["hits"] = static_cast<double>(found) / static_cast<double>(state.iterations());
}
BENCHMARK(match_among_many)->Arg(0)->Arg(1);

void wildcard_filter_bytes(benchmark::State& state) {
    constexpr int kFilters = 100'000;
    for (auto _ : state) {
        const std::size_t before = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
        Fleet fleet;
        for (int device = 0; device < kFilters; ++device) fleet.add(wildcard_filter(device));
        const std::size_t after = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
        state.counters["bytes"] = static_cast<double>(after - before) / kFilters;
    }
}
BENCHMARK(wildcard_filter_bytes)->Iterations(1);

}  // namespace
}  // namespace starling
