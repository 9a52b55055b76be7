// What is to outlive the process, in the broker's words.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "broker/message.h"
#include "mqtt/types.h"

namespace starling {

struct Delivery;
struct SubscriptionTerms;
struct Will;

// What happens to sessions that are to outlive their connections, and to retained messages. Views
// and pointers are good during the call only.
//
// A session's deliveries have no names: each is known by its position, counted from the oldest;
// those in flight come before those queued. Only QoS 1 and 2 are among them.
namespace change {

// The client is connected; there is a session of its name from now on, if there was none.
struct SessionKept {
    std::uint32_t expiry_s = 0;  // after the connection's end, or kNoExpiry
};
struct SessionLeft {};   // its expiry interval counts from now on
struct SessionEnded {};  // and all that it had
struct WillSet {
    const Will* will = nullptr;
};  // null: there is none any more

struct Subscribed {
    std::string_view filter;
    const SubscriptionTerms& terms;  // may be other ones than before
};
struct Unsubscribed {
    std::string_view filter;
};

// A delivery, from its arrival to its last acknowledgement, or until it is dropped.
struct Queued {
    const Delivery& delivery;
};             // behind all others
struct Sent {  // QoS 2: under this identifier and no other
    std::uint32_t position = 0;
    std::uint16_t packet_id = 0;
};
struct Released {
    std::uint32_t position = 0;
};  // PUBREC has come: only its identifier is needed
struct Finished {
    std::uint32_t position = 0;
};

// A QoS 2 PUBLISH of the client's, from PUBLISH to PUBREL.
struct Received {
    std::uint16_t packet_id = 0;
};
struct Forgotten {
    std::uint16_t packet_id = 0;
};

// The retained message of its topic; one without payload clears it. An expired one is gone without
// a word.
struct Retained {
    const Message& message;
};

using Any = std::variant<SessionKept, SessionLeft, SessionEnded, WillSet, Subscribed, Unsubscribed,
                         Queued, Sent, Released, Finished, Received, Forgotten, Retained>;

}  // namespace change

// Takes changes as they happen and keeps those of one turn together, all or none, in the order of
// the turns. PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK leave after the commit of what
// they promise, and so does a QoS 2 PUBLISH after that of its identifier. A CONNACK does not wait:
// what the client relies on is acknowledged later. A will, and what a departed member of a share
// group leaves to the others, may be lost by a crash on its way.
//
// A commit cannot fail, it is late: a store whose disk is full keeps the changes and tries again.
// Meanwhile the broker begins nothing more once there are limits::kUncommittedChanges (what it has
// begun may go beyond), and after limits::kStoreTimeoutS it parts with those who wait.
//
// Owner: one core; each has its own.
class Store {
public:
    virtual ~Store() = default;

    // Whom the ends of commits are told to.
    class Listener {
    public:
        virtual ~Listener() = default;

        // This commit has ended and so have all before it: their changes outlive the process.
        virtual void on_committed(std::uint64_t commit) = 0;
    };

    // `client_id` is empty for Retained. False: nobody needs to wait for it, now or ever.
    virtual bool add(std::string_view client_id, const change::Any& change) = 0;

    // What was added since the last time belongs to this commit: numbers count up from 1. Asked
    // once a turn, and only if there is something that add() said to wait for.
    virtual void commit(std::uint64_t commit) = 0;

    // Tells what has ended since.
    virtual void run(Listener&) {}

    // Asked before the core sleeps; what ends later wakes it.
    virtual bool has_answers() const { return false; }
};

}  // namespace starling
