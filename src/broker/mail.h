// What the cores of one broker write to each other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/handle.h"
#include "broker/announcer.h"
#include "broker/message.h"
#include "reactor/mailboxes.h"
#include "transport/stream.h"

namespace starling::mail {

// --- Requests: each costs credit until it is finished --------------------------------------------

// A connection comes home: its CONNECT has named the client.
struct Moved {
    std::unique_ptr<Stream> stream;  // detached
    ByteVector unread;               // from the CONNECT on
};

// A message for this core's subscribers and share groups, for its retained messages, or both.
struct Published {
    Ref<const Message> message;
    Handle ticket;  // empty: nobody waits for the answer
    bool is_wanted = false;
    bool is_retained = false;
};

// A departed member's message, back to its group.
struct Returned {
    Handle group;
    Ref<const Message> message;
};

// There are too many sessions, and the one that has been absent longest is here.
struct Evict {};

// Asks for retained messages after a topic.
struct Pull {
    Handle session;
    std::uint32_t pull = 0;
    std::string filter;
    std::string after;
};

// --- Answers and what requests cause ------------------------------------------------------------

// To Published with a ticket.
struct Settled {
    Handle ticket;
    std::uint32_t receivers = 0;
    bool was_retained = true;  // false: it was to be, and there was no room
};

// To Pull.
struct Pulled {
    Handle session;
    std::uint32_t pull = 0;
    bool is_last = false;  // there are no more
    std::string after;     // where to go on
    std::vector<Ref<const Message>> messages;
};

// A share group offers a message to a member: to be sent at once, or to be queued.
struct Offered {
    Handle offer;
    Handle group;
    Handle subscription;
    Ref<const Message> message;
    bool may_queue = false;
};

enum class OfferAnswer : std::uint8_t { Taken, Refused, RefusedButCouldQueue };

struct Answered {
    Handle offer;
    OfferAnswer answer = OfferAnswer::Refused;
};

// --- Rounds: one at a time from each core -------------------------------------------------------

// What the sender has become interested in, or is no more.
struct Interested {
    Ref<const InterestChanges> changes;
};
struct InterestConfirmed {};

// Members of share groups whose home this core is came or went.
struct MemberChange {
    std::string group;
    Handle subscription;
    bool joins = false;
};
struct Members {
    std::vector<MemberChange> changes;
};
struct MembersConfirmed {};

using Any =
    std::variant<std::monostate, Moved, Published, Returned, Evict, Pull, Settled, Pulled, Offered,
                 Answered, Interested, InterestConfirmed, Members, MembersConfirmed>;

}  // namespace starling::mail
