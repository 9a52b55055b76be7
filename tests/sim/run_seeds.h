// Runs of the model test, one seed after the other.
#pragma once

#include <cstdint>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/sim/driver.h"

namespace starling {

// Answers whether it went well.
inline bool run_seed(const SimOptions& options) {
    const SimOutcome outcome = simulate(options);
    if (outcome.failure.empty()) return true;
    ADD_FAILURE() << "STARLING_SEED=" << options.seed << ": " << outcome.failure << "\n"
                  << outcome.story;
    return false;
}

// `options` says how; STARLING_SEED in the environment names one seed to run alone and loudly.
inline void run_seeds(SimOptions options, std::uint64_t first, std::uint64_t count) {
    if (const char* one = std::getenv("STARLING_SEED")) {
        options.seed = std::strtoull(one, nullptr, 10);
        options.is_loud = true;
        run_seed(options);
        return;
    }
    for (options.seed = first; options.seed < first + count; ++options.seed)
        if (!run_seed(options)) return;
}

}  // namespace starling
