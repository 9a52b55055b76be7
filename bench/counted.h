// How a micro-benchmark is counted, see bench/instructions.
#pragma once

#include <cstddef>
#include <cstdint>

#include <benchmark/benchmark.h>

namespace starling {

// Says how many operations one iteration has counted.
inline void report_counted(benchmark::State& state, std::size_t operations) {
    const auto all = static_cast<std::int64_t>(operations) * state.iterations();
    state.SetItemsProcessed(all);
    state.counters["counted"] = static_cast<double>(all);
}

// Functions of this name are what callgrind watches, with all that they call.
template <typename Work>
[[gnu::noinline]] void counted_calls(std::size_t calls, Work& work) {
    for (std::size_t call = 0; call < calls; ++call) work(call);
}

// Measures work(0) to work(calls - 1), each of them one operation. The first round counts for
// nothing, so what is made once is there.
template <typename Work>
void count(benchmark::State& state, std::size_t calls, Work work) {
    for (std::size_t call = 0; call < calls; ++call) work(call);
    for (auto _ : state) counted_calls(calls, work);
    report_counted(state, calls);
}

}  // namespace starling
