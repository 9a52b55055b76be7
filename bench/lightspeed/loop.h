// The forwarder's sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/lightspeed/forwarder.h"

namespace starling {

// Sleeps, reads whatever has come from everybody, then writes to each once: one wake-up. What is
// read stays where it was read until then, so a message is not copied on its way.
// Owner: the only thread.
class Loop {
public:
    // REQUIRES: `listener` listens, and does not block.
    explicit Loop(int listener);

    // Returns when the system refuses to go on, with errno set.
    void run();

private:
    Connection* find(int socket) { return connections_[static_cast<std::size_t>(socket)].get(); }
    bool watch(int socket, std::uint32_t events);
    bool accept_all();
    void read(Connection& from, bool has_ended);
    void on_bytes(Connection& from, Bytes bytes);
    void write_all();
    void write(Connection& to);
    void write_backlog(Connection& to);
    void end(Connection& connection);
    void close_ended();

    const int poller_;
    const int listener_;
    std::vector<std::unique_ptr<Connection>> connections_;  // by socket
    std::vector<Connection*> ended_;
    std::unique_ptr<std::uint8_t[]> received_;  // in this wake-up
    std::size_t received_bytes_ = 0;
    Forwarder forwarder_;
};

}  // namespace starling
