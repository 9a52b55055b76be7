// What the QUIC servers of several cores write to each other.
#pragma once

#include <cstdint>
#include <memory>

#include "base/handle.h"
#include "transport/quic/datagram.h"

namespace starling::quic {

// To the server of a listener on another core. Plain data.
struct Envelope {
    enum class Kind : std::uint8_t {
        // A datagram for `connection` there, or, when that is empty, for whichever it names. Costs
        // credit until it is handled, and is lost where there is none.
        Forwarded,
        // The connection that left `seat` there is `connection` here. One for each that moves.
        Arrived,
        // And has ended. One for each that has arrived.
        Ended,
    };

    Kind kind = Kind::Forwarded;
    std::uint16_t listener = 0;  // its number
    Handle seat;
    Handle connection;
    std::unique_ptr<Letter> letter;
};

}  // namespace starling::quic
