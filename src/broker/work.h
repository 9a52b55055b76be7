// What a broker has begun and not ended: it goes on in later turns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "base/handle.h"
#include "base/time.h"
#include "broker/mail.h"
#include "broker/message.h"
#include "broker/session.h"
#include "mqtt/packets.h"

namespace starling {

// A client's PUBLISH of QoS 1 or 2 that some core has not answered for yet.
// Owner: the publisher's core.
struct Ticket {
    Handle session;
    std::uint16_t packet_id = 0;
    bool is_exact = false;        // QoS 2
    bool is_told_errors = false;  // version 5: an error makes the identifier new
    bool was_repeated = false;    // the client sent it again meanwhile
    bool was_retained = true;     // false: it was to be, and there was no room
    TimeMs since = 0;
    std::uint32_t open = 1;  // cores that have not answered, and whoever handles the PUBLISH
    std::uint32_t receivers = 0;
};

// What a core does for one message. Most are over at once; one that is not goes on in the slab of
// jobs, and holds its sender's credit.
// Owner: the core that serves it.
struct PublishJob {
    CoreId from = 0;
    Handle ticket;
    bool was_retained = true;
    std::uint64_t changes = 0;  // there were when it began: what has come since may be its own
    std::uint32_t receivers = 0;
    std::uint32_t open = 0;  // parts under way
    Handle prolonged;        // where it goes on; empty: nowhere yet
};

// One session under one of its subscriptions, by their places.
struct Target {
    std::uint32_t session;
    std::uint32_t subscription;
};

// Receivers that have yet to be served. Those that left meanwhile are passed over.
// Owner: the core that serves them.
struct FanOut {
    struct Receiver {
        Handle session;
        Handle subscription;
    };

    Handle job;
    Ref<const Message> message;
    std::vector<Receiver> receivers;  // of one session side by side
    std::size_t next = 0;
    bool is_begun = false;  // false: nobody has looked yet for whom it is
};

// A message of a share group that looks for its member: each is asked once whether it can send it
// at once and then, if any said so, once whether it can queue it.
// Owner: the group's home.
struct ShareOffer {
    Ref<const Message> message;
    Handle group;
    Handle job;
    std::uint64_t first = 0;  // who joined then was asked first
    std::uint64_t asked = 0;  // who joined then was asked last
    bool has_asked = false;
    bool may_queue = false;
    bool could_queue = false;  // somebody said that it could
};

// A SUBSCRIBE that is not visible to all cores yet, or it or an UNSUBSCRIBE that the store has not
// kept yet. Its connection is not read meanwhile.
// Owner: the subscriber's core.
struct PendingSubscribe {
    Handle connection;
    PacketType answer = PacketType::Suback;
    std::uint16_t packet_id = 0;
    std::vector<Reason> reasons;
    std::vector<Replay> replays;
    std::uint64_t interest_round = 0;
    std::uint64_t members_round = 0;
    std::uint64_t commit = 0;
    TimeMs since = 0;
};

// Another core's members round that counts only once this core's own interest is visible.
// Owner: the groups' home.
struct PendingConfirmation {
    CoreId to = 0;
    std::uint64_t interest_round = 0;
};

// What goes on when a commit has ended.
// Owner: the core whose store it is.
struct AfterCommit {
    // A part of it is done.
    struct Job {
        Handle job;
    };
    // A member has taken what a share group offered it.
    struct Answer {
        CoreId to = 0;
        mail::Answered answer;
    };
    // The connection is owed them.
    struct Acknowledgements {
        Handle connection;
    };
    // The session's, that need their identifiers kept.
    struct Deliveries {
        Handle session;
    };
    using What = std::variant<Job, Answer, Acknowledgements, Deliveries>;

    std::uint64_t commit = 0;
    TimeMs since = 0;
    What what;
};

}  // namespace starling
