// How a QUIC connection ended.
#pragma once

#include <cstdint>
#include <string>

#include "transport/quic/stream_state.h"

namespace starling::quic {

// What its streams learn of it, as far as it is for them: the same for every cause of a kind.
StreamEnd stream_end_of(const Ending& ending);

// For logs: "closed by the peer with code 0", "no viable path (QUIC error 0x10)".
std::string text_of(const Ending& ending);

}  // namespace starling::quic
