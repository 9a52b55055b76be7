#include "transport/quic/mailroom.h"

#include "base/assert.h"

namespace starling::quic {

void QuicMailroom::add(std::uint16_t listener, QuicServer& server) {
    if (servers_.size() <= listener) servers_.resize(listener + 1u);
    STARLING_ASSERT(!servers_[listener]);
    servers_[listener] = &server;
}

void QuicMailroom::remove(std::uint16_t listener) { servers_[listener] = nullptr; }

bool QuicMailroom::forward(CoreId to, std::uint16_t listener, Handle connection,
                           const Datagram& datagram) {
    if (!box_.has_credit(to)) return false;
    box_.request(to, {.listener = listener,
                      .connection = connection,
                      .letter = std::make_unique<Letter>(datagram)});
    return true;
}

}  // namespace starling::quic
