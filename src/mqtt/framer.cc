#include "mqtt/framer.h"

#include "mqtt/reader.h"
#include "mqtt/varint.h"

namespace starling {
namespace {

bool are_flags_legal(PacketType type, std::uint8_t flags) {
    switch (type) {
        case PacketType::Publish: return true;
        case PacketType::Pubrel:
        case PacketType::Subscribe:
        case PacketType::Unsubscribe: return flags == 0b0010;
        default: return flags == 0;
    }
}

bool has_body(PacketType type) {
    return type != PacketType::Pingreq && type != PacketType::Pingresp;
}

}  // namespace

Decoded<Frame> next_frame(Bytes bytes, std::uint32_t packet_bytes_max) {
    Frame frame;
    if (bytes.empty()) return frame;
    const auto first = std::to_integer<std::uint8_t>(bytes[0]);
    frame.type = static_cast<PacketType>(first >> 4);
    frame.flags = first & 0x0F;
    if (first < 0x10) return malformed("section 2.1.2: packet type 0");
    if (!are_flags_legal(frame.type, frame.flags))
        return malformed("[MQTT-2.1.3-1] reserved flags of the fixed header");

    const Varint length = load_varint(bytes.subspan(1));
    if (length.size == 0) return frame;
    if (length.size == Varint::kTooLong)
        return malformed("section 2.1.4: remaining length of more than four bytes");
    if (length.value != 0 && !has_body(frame.type))
        return malformed("sections 3.12, 3.13: a ping with a body");

    frame.wanted = 1 + length.size + length.value;
    if (frame.wanted > packet_bytes_max)
        return ProtocolError{Reason::PacketTooLarge, "packet above the maximum packet size"};
    if (bytes.size() < frame.wanted) return frame;
    frame.size = frame.wanted;
    frame.body = bytes.subspan(1 + length.size, length.value);
    return frame;
}

}  // namespace starling
