// What a client may send before it has heard of the server: what that allowed it the last time.
#pragma once

#include "base/bytes.h"
#include "transport/quic/ngtcp2.h"

namespace starling::quic {

// The limits that RFC 9000, section 7.4.1 has a client remember, as bytes. Equal limits have equal
// bytes, so that a server can bind its tickets to them.
ByteVector encode_limits(const ngtcp2_transport_params& parameters);

// False when they are not of encode_limits(): nothing was set.
bool decode_limits(Bytes limits, ngtcp2_transport_params& parameters);

}  // namespace starling::quic
