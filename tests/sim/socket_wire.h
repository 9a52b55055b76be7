// A client's wire and how it gets to a core, over socket pairs: as real as TCP for the broker, and
// ThreadSanitizer knows for each pair who told whom, which over TCP it does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "mqtt/append.h"
#include "tests/sim/world.h"

namespace starling {

// Two ends of a non-blocking stream of bytes. Owner: whoever made it, each end until taken.
class SocketPair {
public:
    SocketPair();
    SocketPair(const SocketPair&) = delete;
    SocketPair& operator=(const SocketPair&) = delete;
    ~SocketPair();

    int first() const { return ends_[0]; }
    int second() const { return ends_[1]; }
    int take_second() { return std::exchange(ends_[1], -1); }

private:
    int ends_[2];
};

// Where clients arrive at a core. Owner: the world; source() goes to the core's broker.
class Door {
public:
    std::unique_ptr<StreamSource> source();

    // Takes over the descriptor.
    void bring(int descriptor) const;

private:
    SocketPair passage_;
};

class SocketWire;

// All wires there are, the oldest first. Owner: the world; outlives them.
using Network = std::vector<SocketWire*>;

// Keeps what was sent until it is told to pass it on, so that the network can lose it.
// Owner: its client.
class SocketWire final : public Wire {
public:
    // The broker's end goes through `door`. A narrow wire has little room, so that the broker must
    // often wait for its client.
    SocketWire(Network& network, const Door& door, bool is_narrow);
    ~SocketWire() override { std::erase(network_, this); }

    // Hands to the system what waits, up to so many bytes. False when nothing went.
    bool pass_on(std::size_t most);

    void send(Bytes bytes) override { append_bytes(waiting_, bytes); }
    ByteVector take() override;
    void cut(std::size_t lost) override;
    bool is_over() const override { return is_over_; }
    void stall(bool is_stalled) override { is_stalled_ = is_stalled; }

private:
    Network& network_;
    SocketPair sockets_;
    ByteVector waiting_;
    bool is_over_ = false;
    bool is_stalled_ = false;
};

}  // namespace starling
