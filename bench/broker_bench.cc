// What matching a topic costs among many filters, and what a filter costs to keep.
#include <malloc.h>
#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/counted.h"
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

// Ten exact filters for each with a wildcard.
void fill(Fleet& fleet, int wildcards) {
    for (int device = 0; device < 10 * wildcards; ++device) fleet.add(exact_filter(device));
    for (int device = 0; device < wildcards; ++device) fleet.add(wildcard_filter(device));
}

constexpr int kFew = 2'000;
constexpr int kMany = 100'000;

// Filled once for all benchmarks of one size.
const SubscriptionTable& table_of(int wildcards) {
    static std::map<int, Fleet> fleets;
    const auto [place, is_new] = fleets.try_emplace(wildcards);
    if (is_new) fill(place->second, wildcards);
    return place->second.table();
}

void match(benchmark::State& state, int wildcards, const char* before, const char* after) {
    const SubscriptionTable& table = table_of(wildcards);
    std::vector<std::string> topics;
    for (int i = 0; i < 2'000; ++i)
        topics.push_back(before + std::to_string(i * 7919 % wildcards) + after);
    std::size_t found = 0;
    count(state, topics.size(), [&](std::size_t i) {
        table.match(hashed(kKey, topics[i]), [&](std::uint32_t) { ++found; });
    });
    benchmark::DoNotOptimize(found);
}
BENCHMARK_CAPTURE(match, exact, kFew, "fleet/", "/command")->Name("counted/match_exact");
BENCHMARK_CAPTURE(match, near, kFew, "site/", "/door/x")->Name("counted/match_nothing");
BENCHMARK_CAPTURE(match, hit, kFew, "site/", "/door/state")->Name("counted/match_wildcard");
BENCHMARK_CAPTURE(match, exact, kMany, "fleet/", "/command")->Name("match_exact_of_1100000");
BENCHMARK_CAPTURE(match, near, kMany, "site/", "/door/x")->Name("match_nothing_of_1100000");
BENCHMARK_CAPTURE(match, hit, kMany, "site/", "/door/state")->Name("match_wildcard_of_1100000");

// A wildcard filter comes to the tree and goes again.
void tree_turnover(benchmark::State& state) {
    TopicTree tree(kKey);
    std::vector<std::string> filters;
    for (int device = 0; device < kFew; ++device) filters.push_back(wildcard_filter(device));
    for (std::uint32_t i = 0; i < kFew; ++i) tree.insert(filters[i], i);
    count(state, kFew, [&](std::size_t i) {
        tree.erase(filters[i]);
        tree.insert(filters[i], static_cast<std::uint32_t>(i));
    });
}
BENCHMARK(tree_turnover)->Name("counted/tree_erase_and_insert");

// A filter's first subscription comes to the table and goes again.
void subscribe(benchmark::State& state, std::string (*filter)(int)) {
    Fleet fleet;
    fill(fleet, kFew);
    std::vector<std::string> filters;
    for (int device = kMany; device < kMany + kFew; ++device) filters.push_back(filter(device));
    count(state, kFew, [&](std::size_t i) {
        std::uint32_t list = SubscriptionTable::kNone;
        const std::uint32_t added = fleet.table().add(0, list, filters[i], {});
        fleet.table().remove(list, added);
    });
}
BENCHMARK_CAPTURE(subscribe, exact, exact_filter)->Name("counted/subscribe_exact");
BENCHMARK_CAPTURE(subscribe, wildcard, wildcard_filter)->Name("counted/subscribe_wildcard");

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
