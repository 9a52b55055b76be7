// What TLS says of a handshake that failed, as a stream's error codes.
#pragma once

#include <cstdint>

namespace starling::quic {

// Of a certificate that was looked at; 0 when it is good, or there was none.
int fault_of_verification(unsigned status);

// Of an alert, whoever sent it to whom.
int fault_of_alert(std::uint8_t alert);

// Of the code with which a server closed the connection (RFC 9000, section 20.1); 0: none of ours.
int fault_of_close(std::uint64_t code);

}  // namespace starling::quic
