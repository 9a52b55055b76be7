// The broker under test and the network to it, as driver and clients see them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "broker/commons.h"
#include "tests/sim/kept.h"
#include "tests/sim/rules.h"

namespace starling {

// A client's end of one connection. Owner: its client.
class Wire {
public:
    virtual ~Wire() = default;

    // Hands bytes to the network; the broker sees them in a later turn.
    virtual void send(Bytes bytes) = 0;

    // What the broker has written since.
    virtual ByteVector take() = 0;

    // The network breaks; of what the client sent, the broker still gets all but at most `lost`
    // bytes.
    virtual void cut(std::size_t lost) = 0;

    // The broker will write no more there.
    virtual bool is_over() const = 0;

    // While a wire is stalled, its client is told nothing.
    virtual void stall(bool is_stalled) = 0;
};

// The clock stands still but for pass(). Owner: the driver.
class World {
public:
    virtual ~World() = default;

    // Arrives at any core.
    virtual std::unique_ptr<Wire> dial() = 0;

    // Until nothing is left to do.
    virtual void turn() = 0;

    // Some turns of some cores; work may be left under way.
    virtual void turn_some(unsigned turns) = 0;

    virtual void pass(TimeMs ms) = 0;
    virtual TimeMs now() const = 0;

    // The broker begins to end, as at SIGTERM.
    virtual void stop() = 0;

    // Asked when nothing is left to do: whether every core has ended.
    virtual bool has_stopped() = 0;

    // What clients, sessions and messages have left behind; empty when all are gone.
    virtual std::string leftovers() = 0;

    // What the stores of its cores have kept, or null where nobody may look.
    virtual const Kept* kept() const { return nullptr; }
};

struct WorldShape {
    BrokerOptions options;
    Rules rules{false};
    bool has_stores = false;  // whose commits end late
    CoreId cores = 1;
    std::uint64_t seed = 0;      // of what the world decides
    std::size_t piece = 65'536;  // bytes that the broker reads at a time, or about that
};

// All cores in this thread, in a random order of turns: a run follows from its seed.
std::unique_ptr<World> make_rig_world(const WorldShape& shape);

// Each core on a thread of its own, with epoll and sockets: the interleaving is the machine's.
std::unique_ptr<World> make_thread_world(const WorldShape& shape);

// All cores in this thread, behind QUIC, on a bad network: a run follows from its seed, but for the
// random bytes of the protocol.
std::unique_ptr<World> make_quic_world(const WorldShape& shape);

// Forgets so many bytes, or all.
void drop_last(ByteVector& bytes, std::size_t count);

// What these still count.
std::string leftovers_of(const Commons& commons);

}  // namespace starling
