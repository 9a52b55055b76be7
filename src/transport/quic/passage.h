// A connection between two cores.
#pragma once

#include <cstdint>
#include <memory>

#include "base/counted.h"
#include "reactor/quiescence.h"
#include "transport/quic/connection.h"

namespace starling::quic {

// What the core that a connection left still sees of it. Owner: any core.
struct Voyage : Counted<Voyage> {
    mutable StopFlag is_lost;  // it will arrive nowhere
};

// A connection that has departed and has not settled. Whoever destroys it, on whichever thread,
// ends the connection; the peer is not told, but finds out by a stateless reset.
// Owner: the stream that was detached.
struct Passage {
    Passage() = default;
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;
    ~Passage() {
        if (connection) voyage->is_lost.raise();
    }

    std::unique_ptr<QuicConnection> connection;  // null: it has ended, or settled
    Ref<const Voyage> voyage;
    TimeNs left_at = 0;
    std::uint16_t listener = 0;
    bool is_refused = false;  // it ended because it could not go
};

}  // namespace starling::quic
