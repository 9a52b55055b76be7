// A core's end of the mail between QUIC servers.
#pragma once

#include <vector>

#include "transport/quic/commons.h"

namespace starling::quic {

class QuicServer;

// Knows the core's servers by the numbers of their listeners, and writes to those of other cores.
// Datagrams are bounded for each lane, and lost beyond that; the rest is as much as connections
// move.
// Owner: one core.
class QuicMailroom {
public:
    QuicMailroom(QuicCommons& commons, CoreId core)
        : box_(commons.lanes, core, commons.options.forwards) {}

    CoreId core() const { return box_.self(); }
    CoreId cores() const { return box_.cores(); }

    // Servers come and go by themselves. REQUIRES: one server a listener and core.
    void add(std::uint16_t listener, QuicServer& server);
    void remove(std::uint16_t listener);
    QuicServer* server(std::uint16_t listener) const {
        return listener < servers_.size() ? servers_[listener] : nullptr;
    }

    // False when it was lost: too many are on their way there.
    bool forward(CoreId to, std::uint16_t listener, Handle connection, const Datagram& datagram);

    // What is never lost. REQUIRES: envelope.kind != Envelope::Kind::Forwarded.
    void tell(CoreId to, Envelope envelope) { box_.send(to, std::move(envelope)); }

    // Calls visit(server, from, envelope) for what waits, up to a bound for each sender. What is
    // for a listener that is closed here is dropped.
    template <typename Visit>
    void drain(Visit visit) {
        const auto handle = [&](CoreId from, const Envelope& envelope) {
            if (QuicServer* one = server(envelope.listener)) visit(*one, from, envelope);
            if (envelope.kind == Envelope::Kind::Forwarded) box_.finish(from);
        };
        box_.drain(handle, limits::kQuicMailPerWait);
    }

    // Calls visit(server) for each of this core.
    template <typename Visit>
    void for_each(Visit visit) {
        for (QuicServer* one : servers_)
            if (one) visit(*one);
    }

    // Wakes who was written to, and says what was handled.
    void post() {
        if (!box_.is_posted()) box_.post();
    }

    // Asked after the core has said that it falls asleep.
    bool has_mail() const { return box_.has_mail(); }

private:
    Mailbox<Envelope> box_;
    std::vector<QuicServer*> servers_;  // by listener
};

}  // namespace starling::quic
