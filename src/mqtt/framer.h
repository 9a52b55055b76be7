// Cuts a byte stream into control packets.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "mqtt/types.h"

namespace starling {

// One control packet as it lies in the receive buffer.
struct Frame {
    PacketType type = PacketType::Connect;
    std::uint8_t flags = 0;  // the low nibble of the first byte
    Bytes body;              // all after the fixed header
    std::size_t size = 0;    // fixed header and body; 0 when the packet is not whole yet
    std::size_t wanted = 0;  // of a packet that is not whole: its size, or 0 while unknown
};

// Looks at the start of `bytes` for one packet. Fails as soon as the bytes at hand break a rule:
// an unknown type, reserved flags [MQTT-2.1.3-1] (PUBLISH's are judged by decode_publish), a length
// of more than four bytes, a packet above `packet_bytes_max` (Packet too large).
Decoded<Frame> next_frame(Bytes bytes, std::uint32_t packet_bytes_max);

}  // namespace starling
