// What the cores of one broker share.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "base/figures.h"
#include "base/hash.h"
#include "base/memory_level.h"
#include "base/quota.h"
#include "broker/mail.h"
#include "broker/options.h"
#include "reactor/mailboxes.h"
#include "reactor/quiescence.h"

namespace starling {

// Lanes, limits that hold over all cores, and how they stop together. Owner: the process; outlives
// its brokers.
class Commons {
public:
    Commons(const BrokerOptions& broker_options, const HashKey& hash_key, CoreId cores)
        : options(broker_options),
          key(hash_key),
          fingerprints(hash_key, broker_options.fingerprint_bits),
          lanes(cores),
          connections(broker_options.connections_max),
          sessions(broker_options.sessions_max),
          retained_messages(broker_options.retained_messages),
          retained_bytes(broker_options.retained_bytes),
          memory(broker_options.memory_max),
          quiescence(cores),
          counters(cores) {}

    CoreId cores() const { return lanes.cores(); }
    CoreId home_of(std::string_view name) const {
        return static_cast<CoreId>(slot_of(name) % cores());
    }

    const BrokerOptions options;
    const HashKey key;
    const Fingerprints fingerprints;
    MailLanes<mail::Any> lanes;
    Quota connections;
    Quota sessions;
    Quota retained_messages;
    Quota retained_bytes;
    MemoryLevel memory;
    Quiescence quiescence;
    std::vector<Counters> counters;              // each core writes its own
    const FigureSource* more_figures = nullptr;  // in $SYS; set before the first turn

    // Stopping, step by step: all cores are told; all are quiet but for their clients.
    StopFlag stop_begun;
    StopFlag mail_settled;
};

}  // namespace starling
