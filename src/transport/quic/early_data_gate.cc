#include "transport/quic/early_data_gate.h"

#include <limits>

#include "base/assert.h"

namespace starling::quic {
namespace {

// GnuTLS names a ClientHello by the time at which the gate was made, which differs from core to
// core, and what proves that the client has the ticket's secret.
constexpr std::size_t kTimeBytes = 12;

}  // namespace

// Whenever its window is over GnuTLS refuses all tickets of before, so it is to be as long as it
// can be: 49 days.
EarlyDataGate::EarlyDataGate(const Setup& setup) : setup_(setup) {
    STARLING_ASSERT(gnutls_anti_replay_init(&asked_) == 0);
    gnutls_anti_replay_set_window(asked_, std::numeric_limits<unsigned>::max());
    gnutls_anti_replay_set_add_function(asked_, judge);
    gnutls_anti_replay_set_ptr(asked_, this);
}

void EarlyDataGate::guard(gnutls_session_t session) {
    gnutls_anti_replay_enable(session, asked_);
    gnutls_db_set_cache_expiration(session, static_cast<int>(ticket_lifetime_s()));
}

std::uint32_t EarlyDataGate::ticket_lifetime_s() const {
    return setup_.used ? limits::kQuicTicketLifetimeS : gnutls_db_get_default_cache_expiration();
}

int EarlyDataGate::judge(void* gate, std::time_t, const gnutls_datum_t* name,
                         const gnutls_datum_t*) {
    const std::string_view text(reinterpret_cast<const char*>(name->data), name->size);
    return static_cast<EarlyDataGate*>(gate)->lets_in(text) ? 0 : GNUTLS_E_DB_ENTRY_EXISTS;
}

bool EarlyDataGate::lets_in(std::string_view name) {
    if (!setup_.used) return true;
    if (name.size() <= kTimeBytes) return false;
    const auto now_s = static_cast<std::uint32_t>((setup_.now - kTimeStart) / kSecond);
    switch (setup_.used->record(name.substr(kTimeBytes), now_s)) {
        case ReplayRegister::Verdict::New: return true;
        case ReplayRegister::Verdict::Seen: setup_.counters.add(QuicCount::EarlyReplays); break;
        case ReplayRegister::Verdict::Full:
            setup_.counters.add(QuicCount::EarlyUnregistered);
            break;
    }
    return false;
}

}  // namespace starling::quic
