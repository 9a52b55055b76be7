// What the broker remembers of a client, connected or not.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/fifo.h"
#include "base/handle.h"
#include "base/time.h"
#include "broker/delivery.h"
#include "mqtt/packets.h"

namespace starling {

// A delivery with a packet identifier, until its last acknowledgement.
struct Inflight {
    enum class Awaits : std::uint8_t { Puback, Pubrec, Pubcomp };

    Delivery delivery;         // its message is let go when PUBREC has come
    std::uint64_t commit = 0;  // of the store, that it waits for before it is sent
    std::uint16_t packet_id = 0;
    Awaits awaits = Awaits::Puback;
    bool was_sent = false;    // on any connection: the next time has DUP [MQTT-3.3.1-1]
    bool is_current = false;  // on this connection
};

// A replay of retained messages that has not ended: it goes on as the client takes them, from one
// core that has some to the next.
//
// Messages that come live meanwhile are newer than what is retained, or the same: their topics are
// noted, and what is retained of them is left out.
struct Replay {
    std::string filter;
    Ref<const SubscriptionIds> ids;
    Qos qos = Qos::AtMostOnce;
    CoreId core = 0;                   // whose retained messages are next
    CoreId core_end = 0;               // one past the last
    std::string after;                 // the topic it has come to there
    std::uint32_t pull = 0;            // names the question that is on its way; 0: none
    Fifo<Ref<const Message>> fetched;  // an answer's messages to be delivered; empty: left out
    std::vector<std::uint64_t> live;   // hashes of the topics noted
};

// What traffic needs; a client at rest has none.
// Owner: its session.
struct SessionTraffic {
    Fifo<Delivery> queue;
    Fifo<Inflight> inflight;  // in the order of sending
    Fifo<Replay> replays;
    std::vector<std::uint16_t> received;  // QoS 2 packet identifiers before their PUBREL, sorted
    std::size_t bytes = 0;                // of messages in queue and inflight
    std::uint32_t current = 0;            // inflight entries sent on this connection
    bool is_replaying = false;  // in a list of those whose replay waits for budget or credit

    // A QoS 2 packet identifier from PUBLISH to PUBREL.
    bool remembers(std::uint16_t packet_id) const;
    void remember(std::uint16_t packet_id);
    bool forget(std::uint16_t packet_id);  // false: it was not known

    // In flight, and not sent on this connection yet.
    bool has_unsent() const { return current < inflight.size(); }
    std::uint32_t first_unsent();  // its position. REQUIRES: has_unsent().

    bool is_idle() const {
        return queue.empty() && inflight.empty() && replays.empty() && received.empty();
    }
};

// What is published when the client is gone.
// Owner: its session.
struct Will {
    std::string topic;
    ByteVector payload;
    ByteVector properties;
    std::uint32_t delay_s = 0;
    std::uint64_t expiry_s = kNoMessageExpiry;
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
};

// Of a client, or of one of its further streams: a channel, see channels.cc.
// Owner: the home core of its client id.
struct Session {
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    std::string id;
    Handle connection;  // empty while the client is absent
    std::unique_ptr<SessionTraffic> traffic;
    std::unique_ptr<Will> will;
    TimeMs absent_since = 0;   // while absent
    TimeMs will_due = kNever;  // while absent
    TimeMs ends_at = kNever;   // while absent
    TimeMs timer_at = kNever;  // the earliest timer that is armed for it
    std::uint32_t id_hash = 0;
    std::uint32_t first_subscription = kNone;
    std::uint32_t subscriptions = 0;
    std::uint32_t expiry_s = 0;  // after the connection's end; 0: ends with it
    // Absent sessions, in the order they left.
    std::uint32_t newer = kNone;
    std::uint32_t older = kNone;
    std::uint32_t control = kNone;       // of a channel: its client's session
    std::uint32_t next_channel = kNone;  // of the same client; the client's session is the first
    std::uint16_t last_packet_id = 0;    // given out, on whatever channel
    std::uint16_t free_ids = 0;          // as many after it are known to be unused

    bool is_channel() const { return control != kNone; }
    bool has_kin() const { return is_channel() || next_channel != kNone; }

    SessionTraffic& busy() {
        if (!traffic) traffic = std::make_unique<SessionTraffic>();
        return *traffic;
    }
    void rest_if_idle() {
        if (traffic && traffic->is_idle()) traffic.reset();
    }

    // Packet identifiers from here to the next that a delivery in flight uses, between the two; at
    // most 65,535.
    std::uint16_t distance_to_used_id(std::uint16_t packet_id) const;

    Inflight* find_inflight(std::uint16_t packet_id, std::uint32_t& position);
};

// A million of them rest at once.
static_assert(sizeof(Session) <= 152);

}  // namespace starling
