// What GnuTLS does not tell of the messages that it takes.
#pragma once

#include <cstdint>
#include <gnutls/gnutls.h>
#include <string_view>

namespace starling::quic {

// What a ticket that permits early data says of its bytes: QUIC limits them by other means (RFC
// 9001, section 4.6.1).
inline constexpr std::uint32_t kEarlyDataOfQuic = 0xffffffff;

// What a client asks for. Views into its message.
struct ClientHello {
    std::string_view protocols;  // as ALPN has them, RFC 7301
    std::string_view ticket;     // the first that it shows
    bool asks_early = false;     // sends early data

    bool offers(std::string_view protocol) const;
};

// Of the message's body. What is malformed counts as absent: GnuTLS will refuse it.
ClientHello read_client_hello(const gnutls_datum_t& body);

// Whether a NewSessionTicket, by its body, permits early data.
bool permits_early_data(const gnutls_datum_t& body);

}  // namespace starling::quic
