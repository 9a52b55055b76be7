// What the containers cost that everything else stands on.
#include <array>
#include <string>

#include <benchmark/benchmark.h>

#include "base/fifo.h"
#include "base/flat_index.h"
#include "base/hash.h"
#include "base/slab.h"
#include "bench/counted.h"

namespace starling {
namespace {

constexpr std::uint32_t kObjects = 1'000;

// As large as a session.
using Object = std::array<std::uint64_t, 14>;

void slab_find(benchmark::State& state) {
    Slab<Object> slab;
    std::array<Handle, kObjects> handles;
    for (Handle& handle : handles) handle = slab.emplace();
    count(state, kObjects, [&](std::size_t i) { benchmark::DoNotOptimize(slab.find(handles[i])); });
}
BENCHMARK(slab_find)->Name("counted/slab_find");

// The oldest goes, and another takes its place.
void slab_turnover(benchmark::State& state) {
    Slab<Object> slab;
    std::array<Handle, kObjects> handles;
    for (Handle& handle : handles) handle = slab.emplace();
    count(state, kObjects, [&](std::size_t i) {
        slab.erase(handles[i]);
        handles[i] = slab.emplace();
    });
}
BENCHMARK(slab_turnover)->Name("counted/slab_erase_and_emplace");

// A queue that is never empty, so keeps its ring.
void fifo_turnover(benchmark::State& state) {
    Fifo<std::uint64_t> fifo;
    for (std::uint64_t i = 0; i < 32; ++i) fifo.push(i);
    count(state, 1'000, [&](std::size_t i) {
        fifo.push(i);
        benchmark::DoNotOptimize(fifo.pop());
    });
}
BENCHMARK(fifo_turnover)->Name("counted/fifo_push_and_pop");

std::uint32_t hash(std::size_t value) { return static_cast<std::uint32_t>(mix(value)); }

void index_find(benchmark::State& state) {
    FlatIndex index;
    for (std::uint32_t i = 0; i < kObjects; ++i) index.insert(hash(i), i);
    count(state, kObjects, [&](std::size_t i) {
        benchmark::DoNotOptimize(index.find(hash(i), [&](std::uint32_t at) { return at == i; }));
    });
}
BENCHMARK(index_find)->Name("counted/index_find");

void index_turnover(benchmark::State& state) {
    FlatIndex index;
    for (std::uint32_t i = 0; i < kObjects; ++i) index.insert(hash(i), i);
    count(state, kObjects, [&](std::size_t i) {
        index.erase(hash(i), static_cast<std::uint32_t>(i));
        index.insert(hash(i), static_cast<std::uint32_t>(i));
    });
}
BENCHMARK(index_turnover)->Name("counted/index_erase_and_insert");

void hash_topic(benchmark::State& state) {
    const HashKey key{1, 2};
    const std::string topic = "sensors/42/temperature";
    count(state, 1'000, [&](std::size_t) {
        benchmark::DoNotOptimize(topic.data());
        benchmark::DoNotOptimize(keyed_hash(key, topic));
    });
}
BENCHMARK(hash_topic)->Name("counted/hash_topic");

}  // namespace
}  // namespace starling
