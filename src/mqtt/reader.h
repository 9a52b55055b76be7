// Takes typed fields from the front of a packet body.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "mqtt/types.h"

namespace starling {

inline ProtocolError malformed(const char* text) { return {Reason::MalformedPacket, text}; }
inline ProtocolError protocol_error(const char* text) { return {Reason::ProtocolError, text}; }

// Every function fails with Malformed Packet when the bytes run out or break the field's rule.
// Views point into the bytes given. Owner: the stack of a decoder.
class Reader {
public:
    explicit Reader(Bytes bytes) : rest_(bytes) {}

    bool empty() const { return rest_.empty(); }
    Bytes rest() const { return rest_; }

    Decoded<std::uint8_t> u8();
    Decoded<std::uint16_t> u16();
    Decoded<std::uint32_t> u32();
    Decoded<std::uint32_t> varint();
    Decoded<Bytes> bytes(std::size_t count);
    Decoded<Bytes> binary();             // a two-byte length, then that many bytes
    Decoded<std::string_view> string();  // binary() that must be MQTT text

    // Zero is a protocol error [MQTT-2.2.1-3].
    Decoded<std::uint16_t> packet_id();

    // One that this packet from this sender may not hold is a protocol error.
    Decoded<Reason> reason(PacketType type, Sender sender);

    // Fails unless every byte was taken.
    Decoded<void> end() const;

private:
    Bytes rest_;
};

inline Decoded<Bytes> Reader::bytes(std::size_t count) {
    if (count > rest_.size()) return malformed("section 1.2: the packet ends inside a field");
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
}

inline Decoded<std::uint8_t> Reader::u8() {
    STARLING_TRY(field, bytes(1));
    return std::to_integer<std::uint8_t>(field[0]);
}

inline Decoded<std::uint16_t> Reader::u16() {
    STARLING_TRY(field, bytes(2));
    return load_u16(field.data());
}

inline Decoded<std::uint32_t> Reader::u32() {
    STARLING_TRY(field, bytes(4));
    return load_u32(field.data());
}

inline Decoded<Bytes> Reader::binary() {
    STARLING_TRY(size, u16());
    return bytes(size);
}

inline Decoded<void> Reader::end() const {
    if (!rest_.empty()) return malformed("section 1.2: bytes after the last field");
    return {};
}

}  // namespace starling
