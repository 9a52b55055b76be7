// A notation for packets, for tests of this layer and of those above.
#pragma once

#include <ostream>
#include <string_view>

#include "base/assert.h"
#include "mqtt/append.h"
#include "mqtt/decode.h"

namespace starling {

// What wire() is made of. Owner: the stack of wire().
class Notation {
public:
    explicit Notation(std::string_view text) : rest_(text) {}

    // Everything up to `end`, which is taken too, or to the end of the text.
    ByteVector until(char end = 0) {
        ByteVector out;
        while (!rest_.empty()) {
            const char c = take();
            if (c == end) return out;
            if (c == '[') append_block(out, until(']'));
            else if (c == '(') append_binary(out, until(')'));
            else if (c == '\'') append_text(out);
            else if (c != ' ') append_u8(out, digit(c) << 4 | digit(take()));
        }
        STARLING_ASSERT(end == 0);
        return out;
    }

private:
    char take() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    void append_text(ByteVector& out) {
        while (rest_.front() != '\'') append_u8(out, static_cast<unsigned char>(take()));
        take();
    }

    static void append_block(ByteVector& out, const ByteVector& block) {
        append_varint(out, block.size());
        append_bytes(out, block);
    }

    static unsigned digit(char c) {
        const std::size_t value = std::string_view("0123456789ABCDEF").find(c);
        STARLING_ASSERT(value != std::string_view::npos);
        return static_cast<unsigned>(value);
    }

    std::string_view rest_;
};

// The bytes that `text` stands for: hex digits, 'characters', [bytes after their length as a
// variable byte integer], (bytes after their length in two bytes). A PUBLISH is
// "32 [('a/b') 0001 [] 'payload']".
inline ByteVector wire(std::string_view text) { return Notation(text).until(); }

// What decoding one whole packet answers: Success, or the reason to refuse it.
inline Reason judge(Bytes packet, Version version, Sender sender) {
    const auto reason = [](const auto& decoded) {
        return decoded ? Reason::Success : decoded.error().reason;
    };
    const auto frame = next_frame(packet, kPacketBytesMax);
    if (!frame) return frame.error().reason;
    STARLING_ASSERT(frame->size == packet.size());
    switch (frame->type) {
        case PacketType::Connect: return reason(decode_connect(*frame));
        case PacketType::Connack: return reason(decode_connack(*frame, version));
        case PacketType::Publish: return reason(decode_publish(*frame, version, sender));
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp: return reason(decode_ack(*frame, version));
        case PacketType::Subscribe: return reason(decode_subscribe(*frame, version));
        case PacketType::Suback:
        case PacketType::Unsuback: return reason(decode_suback(*frame, version));
        case PacketType::Unsubscribe: return reason(decode_unsubscribe(*frame, version));
        case PacketType::Pingreq:
        case PacketType::Pingresp: return Reason::Success;
        case PacketType::Disconnect: return reason(decode_disconnect(*frame, version, sender));
        case PacketType::Auth: return reason(decode_auth(*frame, sender));
    }
    return Reason::UnspecifiedError;
}

inline Reason judge(std::string_view text, Version version = Version::V5,
                    Sender sender = Sender::Client) {
    return judge(wire(text), version, sender);
}

// For GoogleTest.
inline void PrintTo(Reason reason, std::ostream* out) { *out << reason_name(reason); }

}  // namespace starling
