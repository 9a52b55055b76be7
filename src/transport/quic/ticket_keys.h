// Under which key a TLS session ticket is sealed.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "transport/quic/quic_keys.h"

namespace starling::quic {

using TicketKey = decltype(KeySet::tickets);

// Where a ticket is good: only where all of this is the same. It stands for the certificate that
// its client has shown, for the limits that its early data kept to, and for a protocol.
struct TicketTerms {
    Bytes limits;       // early_limits.h
    Bytes authorities;  // of clients' certificates; empty: none is asked for
    std::string_view protocol;
    std::uint32_t lifetime_s;
};

// What GnuTLS is to be given for a handshake: the key of the newest set, or, for a client that
// shows a `ticket`, of the set under which it was sealed.
//
// GnuTLS takes one key for a session, and seals with another one, which follows from it and from
// the time; a ticket begins with 16 bytes of that. If a later GnuTLS does it otherwise, tickets of
// replaced keys are none, and their clients have a full handshake.
TicketKey ticket_key(const QuicKeys& keys, const TicketTerms& terms, std::string_view ticket,
                     std::uint64_t now_s);

}  // namespace starling::quic
