// What matching a topic costs among many filters, and what a filter costs to keep.
#include <malloc.h>
#include <string>
#include <vector>

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

std::size_t filled_bytes() { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; }

[[gnu::noinline]] std::size_t counted_match(const SubscriptionTable& table,
                                            const std::vector<std::string>& topics) {
    std::size_t found = 0;
    for (const std::string& topic : topics)
        table.match(hashed(kKey, topic), [&](std::uint32_t) { ++found; });
    return found;
}

// Among 1,000,000 exact and 100,000 wildcard filters.
void match(benchmark::State& state, const char* before, const char* after) {
    static Fleet& fleet = *[] {
        auto* filled = new Fleet;
        for (int device = 0; device < 1'000'000; ++device) filled->add(exact_filter(device));
        for (int device = 0; device < 100'000; ++device) filled->add(wildcard_filter(device));
        return filled;
    }();
    std::vector<std::string> topics;
    for (int i = 0; i < 20'000; ++i)
        topics.push_back(before + std::to_string(i * 7919 % 100'000) + after);
    std::size_t found = 0;
    for (auto _ : state) found += counted_match(fleet.table(), topics);
    const auto matches = static_cast<std::int64_t>(topics.size()) * state.iterations();
    state.SetItemsProcessed(matches);
    state.counters["counted"] = static_cast<double>(matches);
    state.counters["hits"] = static_cast<double>(found) / static_cast<double>(matches);
}
BENCHMARK_CAPTURE(match, exact, "fleet/", "/command")->Name("counted/match_exact")->Iterations(5);
BENCHMARK_CAPTURE(match, near, "site/", "/door/x")->Name("counted/match_nothing")->Iterations(5);
BENCHMARK_CAPTURE(match, hit, "site/", "/door/state")
    ->Name("counted/match_wildcard")
    ->Iterations(5);

void filter_bytes(benchmark::State& state, std::string (*filter)(int)) {
    constexpr int kFilters = 100'000;
    for (auto _ : state) {
        const std::size_t before = filled_bytes();
        Fleet fleet;
        for (int device = 0; device < kFilters; ++device) fleet.add(filter(device));
        state.counters["bytes"] = static_cast<double>(filled_bytes() - before) / kFilters;
    }
}
BENCHMARK_CAPTURE(filter_bytes, exact, exact_filter)->Name("exact_filter_bytes")->Iterations(1);
BENCHMARK_CAPTURE(filter_bytes, wildcard, wildcard_filter)
    ->Name("wildcard_filter_bytes")
    ->Iterations(1);

}  // namespace
}  // namespace starling
