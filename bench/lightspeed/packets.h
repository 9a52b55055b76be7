// As much of MQTT as a forwarder must understand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace starling {

using Bytes = std::span<const std::uint8_t>;

// A larger packet ends its connection.
inline constexpr std::size_t kPacketBytesMax = 1 << 20;

enum class PacketType : std::uint8_t {
    Connect = 1,
    Publish = 3,
    Puback = 4,
    Pubrec = 5,
    Pubrel = 6,
    Pubcomp = 7,
    Subscribe = 8,
    Pingreq = 12,
};

// One control packet where it lies. Owner: the stack of whoever handles it.
struct Packet {
    Bytes whole;
    Bytes body;

    PacketType type() const { return static_cast<PacketType>(whole[0] >> 4); }
    unsigned qos() const { return whole[0] >> 1 & 3; }
};

// What next_packet() found.
enum class Found : std::uint8_t { Packet, Part, Nonsense };

// Cuts the first packet off `bytes`, which stay as they are unless it is whole.
inline Found next_packet(Bytes& bytes, Packet& packet) {
    std::size_t size = 0;
    for (std::size_t at = 1, shift = 0; at < bytes.size(); ++at, shift += 7) {
        size |= std::size_t{bytes[at] & 127u} << shift;
        if (size > kPacketBytesMax || at > 4) return Found::Nonsense;
        if (bytes[at] & 128) continue;
        const std::size_t end = at + 1 + size;
        if (end > bytes.size()) return Found::Part;
        packet = {bytes.first(end), bytes.subspan(at + 1, size)};
        bytes = bytes.subspan(end);
        return Found::Packet;
    }
    return Found::Part;
}

// A two-byte number. REQUIRES: two bytes at `at`.
inline std::size_t number_at(Bytes bytes, std::size_t at) {
    return std::size_t{bytes[at]} << 8 | bytes[at + 1];
}

// Whether a length and as many bytes as it says stand at `at`.
inline bool has_text_at(Bytes bytes, std::size_t at) {
    return at + 2 <= bytes.size() && at + 2 + number_at(bytes, at) <= bytes.size();
}

// REQUIRES: has_text_at().
inline std::string_view text_at(Bytes bytes, std::size_t at) {
    return {reinterpret_cast<const char*>(bytes.data()) + at + 2, number_at(bytes, at)};
}

}  // namespace starling
