// What the command line of `starling bench` means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

#include "app/quic_flags.h"
#include "app/usage_error.h"
#include "load/scenario.h"

namespace starling {

// As it was typed; what was not typed is none, where the default depends on the mode.
struct BenchFlags {
    std::string mode;
    std::string host = "127.0.0.1", topic = "bench", share, profile;
    std::optional<std::uint16_t> port;  // by the transport
    QuicFlags quic;
    std::optional<std::uint32_t> clients, publishers, subscribers, window, processes, duration_s;
    std::optional<double> rate;
    double connect_rate = 0;
    int qos = 0, version = 5;
    std::uint32_t payload_bytes = 64, background_filters = 0, hold_s = 0, warmup_s = 1;
    std::uint16_t keep_alive_s = 60;
    int broker_process = 0;
    bool uses_wildcard = false, has_own_filter = false, broadcasts = false;
    bool is_json = false, is_quiet = false;
};

struct BenchArguments {
    LoadScenario scenario;
    pid_t broker = 0;  // 0: unknown
    bool is_json = false;
    bool is_quiet = false;
};

// `descriptors_max` is what one process may open; `run` tells this run from others. Reads the
// profile of the mode `mixed`, and resolves the host.
Result<BenchArguments, UsageError> understand(const BenchFlags& flags,
                                              std::uint64_t descriptors_max, std::uint8_t run);

}  // namespace starling
