// One core of the broker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/allow_all.h"
#include "broker/broker.h"
#include "broker/commons.h"
#include "reactor/core.h"
#include "reactor/poller.h"
#include "storage/memory_store.h"
#include "transport/listener.h"
#include "transport/quic/listener.h"
#include "transport/quic/poller.h"

namespace starling {

// A core's loop and what it runs. Owner: serve(); its thread runs it.
class Seat {
public:
    struct Setup {
        CoreId id;
        const Clock& clock;  // one for all: cores compare times
        Commons& commons;
        quic::QuicCommons* quic;  // null: nobody listens there
    };
    static Result<std::unique_ptr<Seat>> open(const Setup& setup);
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    // From now on the broker serves who comes there.
    Result<void> listen(std::unique_ptr<TcpListener> listener);
    Result<void> listen(std::unique_ptr<quic::QuicListener> listener);

    CoreId id() const { return core_.id(); }
    Poller& poller() { return *poller_; }

    // REQUIRES: it was set up for QUIC.
    quic::QuicPoller& quic_poller();

    Broker& broker() { return broker_; }
    void turn() { core_.turn(broker_); }

private:
    Seat(const Setup& setup, std::unique_ptr<Poller> poller, quic::QuicPoller* quic_poller);

    std::unique_ptr<Poller> poller_;
    quic::QuicPoller* quic_poller_;  // the same one, or null
    Core core_;
    AllowAll authorizer_;
    MemoryStore store_;
    // Their streams, which the broker has, go before them.
    std::vector<std::unique_ptr<quic::QuicListener>> quic_listeners_;
    Broker broker_;
};
using Seats = std::vector<std::unique_ptr<Seat>>;

}  // namespace starling
