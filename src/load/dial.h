// Connections from many addresses of this machine.
#pragma once

#include <cstdint>

#include "client/client.h"
#include "transport/quic/dialer.h"

namespace starling {

// To a loopback address each thousands of connections come from another address of 127.0.0.0/8, as
// one address has 28,000 ports by default, some of which still wait from runs before this one.
// `run` and `process` tell which. To other addresses it dials as dial_tcp() does.
Dial spread_dial(std::uint8_t run, std::uint32_t process);

// The same of the sockets that QUIC connections share.
quic::QuicDialer::Source spread_source(std::uint8_t run, std::uint32_t process);

}  // namespace starling
