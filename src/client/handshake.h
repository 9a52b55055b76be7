// What a client says of itself in CONNECT, and what the server allows in CONNACK.
#pragma once

#include <cstdint>

#include "client/client.h"
#include "mqtt/varint.h"

namespace starling {

// Appends CONNECT. `resumes`: this is not the client's first connection.
void encode_connect(ByteVector& out, const ClientOptions& options, bool resumes);

// True when CONNECT asks the server to forget the session.
bool asks_clean_start(const ClientOptions& options, bool resumes);

// What the server allows on this connection. Owner: a value.
struct ServerTerms {
    std::uint32_t packet_bytes_max = kPacketBytesMax;
    std::uint16_t receive_maximum = 65'535;
    std::uint16_t topic_alias_maximum = 0;
    std::uint16_t keep_alive_s = 0;
    Qos qos_max = Qos::ExactlyOnce;
    bool has_retain = true;

    // Why a message may not be sent; Success when it may. `whole_size` is its packet's.
    Reason objection(Qos qos, bool retain, std::size_t whole_size) const;
};

ServerTerms terms_of(const Connack& connack, const ClientOptions& options);

}  // namespace starling
