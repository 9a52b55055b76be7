// What the encoders share.
#pragma once

#include <string_view>

#include "mqtt/append.h"
#include "mqtt/encode.h"

namespace starling {

// A control packet at the end of a buffer, whose length is filled in when this is destroyed.
// Owner: the stack of an encoder.
class OpenPacket {
public:
    OpenPacket(ByteVector& out, PacketType type, unsigned flags = 0)
        : out_(out),
          length_at_(out.size() + 1) {
        append_u8(out, static_cast<unsigned>(type) << 4 | flags);
        append_u8(out, 0);  // most packets need no more
    }
    OpenPacket(const OpenPacket&) = delete;
    OpenPacket& operator=(const OpenPacket&) = delete;
    ~OpenPacket();

private:
    ByteVector& out_;
    std::size_t length_at_;
};

inline void append_reason(ByteVector& out, Reason reason) {
    append_u8(out, static_cast<unsigned>(reason));
}

// The block and its length; `reason_string` joins it unless empty.
void append_properties(ByteVector& out, const PropertyWriter& properties,
                       std::string_view reason_string = {});

// Calls append(reason_string) to append a packet; and again, without a reason string, if it came
// out larger than the peer takes.
template <typename Append>
void append_explained(ByteVector& out, const Explanation& explanation, Append append) {
    const std::size_t start = out.size();
    append(explanation.reason_string);
    if (out.size() - start <= explanation.packet_bytes_max) return;
    out.resize(start);
    append(std::string_view{});
}

}  // namespace starling
