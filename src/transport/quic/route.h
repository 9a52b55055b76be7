// Which address of this machine a datagram comes from.
#pragma once

#include <string>

#include "base/result.h"
#include "transport/socket.h"

namespace starling::quic {

// The numeric address that the system sends from when it sends to `remote`. Fails when there is no
// way, or when `remote` is of this machine and nobody listens there: that is known at once.
Result<std::string> source_to(const SocketAddress& remote);

}  // namespace starling::quic
