// Packets in a line each, for -d.
#pragma once

#include <cstdint>
#include <string>

#include "client/client.h"

namespace starling {

// To the standard output. `packet` is whole.
void print_packet(const std::string& client_id, PacketDirection direction, std::uint16_t stream,
                  Bytes packet, Version version);

}  // namespace starling
