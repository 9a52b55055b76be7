// One network connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/fifo.h"
#include "base/handle.h"
#include "base/time.h"
#include "broker/outbox.h"
#include "broker/ports/authorizer.h"
#include "mqtt/types.h"
#include "transport/stream.h"

namespace starling {

// An acknowledgement that is owed: they leave in the order of their PUBLISHes.
struct PendingAck {
    Handle ticket;             // cores that it waits for; empty: none
    std::uint64_t commit = 0;  // of the store, that it waits for
    std::uint16_t packet_id = 0;
    PacketType type = PacketType::Puback;
    Reason reason = Reason::Success;
};

// What the authorizer says of the packet that waits for it.
struct Consultation {
    std::vector<Verdict> verdicts;
    std::uint64_t last_question = 0;  // the others came right before it
    std::size_t open = 0;
    TimeMs asked_at = 0;
};

// What traffic needs of a connection; one at rest has none.
// Owner: its connection.
struct ConnectionTraffic {
    Outbox outbox;
    ByteVector partial;  // the start of a packet whose rest has yet to arrive, or packets left over
    std::vector<std::string> aliases_in;  // [alias - 1]; empty: not set
    std::vector<std::string> aliases_out;
    Fifo<PendingAck> acks;
    std::unique_ptr<Consultation> consultation;

    bool is_idle() const {
        return outbox.empty() && partial.empty() && aliases_in.empty() && aliases_out.empty() &&
               acks.empty() && !consultation;
    }
};

// Bytes in become packets, deliveries become bytes out. Idle it holds no buffer.
// Owner: one core.
struct Connection {
    enum class State : std::uint8_t {
        AwaitsConnect,
        Connected,
        Closing,  // what is in the outbox goes out, what comes in is discarded
        Gone,     // reaped at the end of this turn
    };

    // Why its packets wait, though they are there.
    enum class Pause : std::uint8_t {
        None,
        Credit,        // another core, or the store, has too much to do
        Announcement,  // a SUBSCRIBE is not visible to all cores yet, or the store has not kept it
        Acks,          // too many acknowledgements are owed
        Memory,        // memory.max is reached
        Authorizer,    // the first of them waits for its verdict
        Transport,     // the stream cannot go to the client's home yet
    };

    explicit Connection(std::unique_ptr<Stream> taken) : stream(std::move(taken)) {}

    std::unique_ptr<Stream> stream;
    std::unique_ptr<ConnectionTraffic> traffic;
    TimeMs last_packet_at = 0;
    TimeMs timer_at = kNever;                     // the earliest timer that is armed for it
    Handle session;                               // while Connected
    std::uint32_t packet_bytes_max = 0xFFFFFFFF;  // what the client takes
    std::uint32_t connected_expiry_s = 0;         // as CONNECT said it: DISCONNECT may not raise 0
    // Sockets without CONNECT, in the order of arrival.
    std::uint32_t newer = ~std::uint32_t{0};
    std::uint32_t older = ~std::uint32_t{0};
    std::uint32_t identity = 0;  // how the authorizer knows the client
    std::uint16_t keep_alive_s = 0;
    std::uint16_t receive_maximum = 65535;
    std::uint16_t topic_alias_maximum = 0;
    Version version = Version::V4;
    State state = State::AwaitsConnect;
    Pause pause = Pause::None;
    bool holds_place = false;  // counts among the connections
    bool is_channel = false;   // a further stream of a client, see channels.cc
    bool wants_problem_information = true;
    bool is_dirty = false;    // in the list of those to write
    bool is_waiting = false;  // in the list of those to read again
    bool is_writable = true;  // the stream took all of the last write
    bool has_finished = false;

    ConnectionTraffic& busy() {
        if (!traffic) traffic = std::make_unique<ConnectionTraffic>();
        return *traffic;
    }
    void rest_if_idle() {
        if (traffic && traffic->is_idle()) traffic.reset();
    }
    std::size_t unwritten() const { return traffic ? traffic->outbox.size() : 0; }
};

// A million of them rest at once.
static_assert(sizeof(Connection) <= 104);

}  // namespace starling
