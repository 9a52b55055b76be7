// What it costs to know which other cores want a topic, and to tell them what this one wants.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/counted.h"
#include "broker/interest.h"

namespace starling {
namespace {

constexpr HashKey kKey{1, 2};
constexpr std::size_t kFilters = 10'000;

std::vector<std::string> numbered(const char* before, const char* after) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < kFilters; ++i) texts.push_back(before + std::to_string(i) + after);
    return texts;
}

// What three other cores have announced. Owner: the benchmark.
class Announced {
public:
    Announced() {
        for (const std::string& filter : numbered("fleet/", "/command")) {
            InterestChange change;
            change.fingerprint = fingerprints_.of(filter);
            announce(std::move(change));
        }
        for (const std::string& filter : numbered("site/", "/+/state")) {
            InterestChange change;
            change.wildcard = filter;
            announce(std::move(change));
        }
    }
    const Interest& interest() const { return interest_; }

private:
    void announce(InterestChange change) {
        change.is_wanted = true;
        interest_.apply(static_cast<CoreId>(1 + next_++ % 3), change);
    }

    Fingerprints fingerprints_{kKey};
    Interest interest_{kKey, fingerprints_};
    unsigned next_ = 0;
};

void ask(benchmark::State& state, const char* before, const char* after) {
    const Announced announced;
    const std::vector<std::string> topics = numbered(before, after);
    count(state, kFilters, [&](std::size_t i) {
        benchmark::DoNotOptimize(announced.interest().cores_for(hashed(kKey, topics[i])));
    });
}
BENCHMARK_CAPTURE(ask, exact, "fleet/", "/command")->Name("counted/interest_exact");
BENCHMARK_CAPTURE(ask, wildcard, "site/", "/door/state")->Name("counted/interest_wildcard");
BENCHMARK_CAPTURE(ask, nothing, "nobody/", "/wants/this")->Name("counted/interest_nothing");

// A round for each hundred filters: wanted, announced, confirmed; then forgotten likewise.
void announce(benchmark::State& state, const char* before, const char* after) {
    constexpr std::size_t kRound = 100;
    const std::vector<std::string> filters = numbered(before, after);
    const Fingerprints fingerprints(kKey);
    Announcer announcer(fingerprints, true);
    const auto end_of_round = [&](std::size_t i) {
        if ((i + 1) % kRound != 0) return;
        benchmark::DoNotOptimize(announcer.begin(1));
        announcer.confirm();
    };
    count(state, kFilters * 2, [&](std::size_t i) {
        if (i < kFilters) announcer.want(filters[i]);
        else announcer.forget(filters[i - kFilters]);
        end_of_round(i);
    });
}
BENCHMARK_CAPTURE(announce, exact, "fleet/", "/command")->Name("counted/announce_exact");
BENCHMARK_CAPTURE(announce, wildcard, "site/", "/+/state")->Name("counted/announce_wildcard");

}  // namespace
}  // namespace starling
