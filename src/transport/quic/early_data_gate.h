// Who may speak early.
#pragma once

#include <ctime>
#include <gnutls/gnutls.h>
#include <string_view>

#include "base/limits.h"
#include "base/replay_register.h"
#include "transport/quic/counters.h"
#include "transport/quic/datagram.h"

namespace starling::quic {

// GnuTLS takes early data only where it can ask somebody whether a ClientHello has come before. It
// does not even ask of a ticket that is older than the gate: a server takes no early data under
// tickets of an earlier life, of which it remembers nothing.
//
// Where early data waits for the end of the handshake everybody is let in. Where it acts at once, a
// ticket opens the gate for one ClientHello: who shows it again, or comes when the register is
// full, is served without. See docs/decisions/015.
// Owner: one core's server; outlives its handshakes.
class EarlyDataGate {
public:
    // GnuTLS seals tickets under keys that it changes after three of their lifetimes, and may open
    // what the key before has sealed. Until then a copy of a ClientHello looks like the first: it
    // is as old as it says. The hour is for clocks that are set.
    static constexpr std::uint32_t kRememberedS = 6 * limits::kQuicTicketLifetimeS + 3'600;

    // `used` is null where early data waits; `now` is the time of the server.
    struct Setup {
        ReplayRegister* used;
        const TimeNs& now;
        QuicCounters& counters;
    };
    explicit EarlyDataGate(const Setup& setup);
    EarlyDataGate(const EarlyDataGate&) = delete;
    EarlyDataGate& operator=(const EarlyDataGate&) = delete;
    ~EarlyDataGate() { gnutls_anti_replay_deinit(asked_); }

    // This session of a server asks here.
    void guard(gnutls_session_t session);

    // Seconds that tickets of the sessions which ask here are good.
    std::uint32_t ticket_lifetime_s() const;

private:
    static int judge(void* gate, std::time_t, const gnutls_datum_t* name, const gnutls_datum_t*);
    bool lets_in(std::string_view name);

    Setup setup_;
    gnutls_anti_replay_t asked_ = nullptr;
};

}  // namespace starling::quic
