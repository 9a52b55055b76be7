// What the QUIC servers of all cores share.
#pragma once

#include <optional>

#include "base/memory_level.h"
#include "base/random.h"
#include "base/replaceable.h"
#include "base/replay_register.h"
#include "reactor/mailboxes.h"
#include "transport/quic/mail.h"
#include "transport/quic/options.h"
#include "transport/quic/quic_keys.h"
#include "transport/quic/tls.h"

namespace starling::quic {

// Made before the cores' pollers and listeners, and outlives them. What it refers to outlives it.
// Owner: the process.
class QuicCommons {
public:
    QuicCommons(const QuicOptions& its_options, const QuicKeys& its_keys, const TlsContext& its_tls,
                CoreId cores)
        : options(its_options),
          tls(its_tls),
          lanes(cores) {
        keys.set(make_counted<SharedKeys>(its_keys));
        if (options.early_data == EarlyData::Full)
            used_tickets_.emplace(options.early_tickets, EarlyDataGate::kRememberedS,
                                  HashKey{secret_u64(), secret_u64()});
    }

    CoreId cores() const { return lanes.cores(); }

    // Who wakes a core for its mail. REQUIRES: told of every core before the first wait() of any.
    void set_waker(CoreId core, Waker& waker) { lanes.set_waker(core, waker); }

    // Those whose early data has acted; null where it does not act at once.
    ReplayRegister* used_tickets() { return used_tickets_ ? &*used_tickets_ : nullptr; }

    const QuicOptions& options;
    const TlsContext& tls;

    // Where there is a limit to it; set before the first turn.
    const MemoryLevel* memory = nullptr;

    // Every core looks for others as often as it wakes.
    Replaceable<const SharedKeys> keys;
    MailLanes<Envelope> lanes;

private:
    std::optional<ReplayRegister> used_tickets_;
};

}  // namespace starling::quic
