// What the reference model remembers.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "mqtt/packets.h"

namespace starling {

inline std::string client_id(int client) { return "client" + std::to_string(client); }

// --- Messages ------------------------------------------------------------------------------------

// What a client published, once for all attempts. An empty payload clears a retained message; any
// other names the number.
struct ModelMessage {
    std::uint64_t number = 0;  // rises in the order of publishing
    int publisher = 0;
    std::string topic;
    std::string payload;
    ByteVector forwarded;  // properties, as copy_forwarded() leaves them
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
    bool is_will = false;
    bool was_again = false;      // published more than once, by a client that had no answer
    std::uint32_t expiry_s = 0;  // 0: none
    TimeMs expires_at = kNever;  // counted from the last attempt

    // Copies of an earlier attempt expire earlier.
    bool has_loose_expiry() const { return was_again && expiry_s != 0; }
    bool is_expired(TimeMs now) const { return expires_at <= now; }
};

// One attempt to publish a message.
struct Publication {
    const ModelMessage* message = nullptr;
    unsigned step = 0;
    bool is_again = false;
    bool is_certain = true;          // false: the connection broke, so the broker may not have it
    bool is_refused = false;         // the rules forbid it
    std::size_t receivers = 0;       // sessions that match in every order
    std::size_t receivers_most = 0;  // in some order
    std::set<std::string> groups;    // share groups that may get it
};

// The retained message of a topic.
struct ModelRetained {
    std::vector<const ModelMessage*> may_be{nullptr};  // empty: none
    std::vector<const Publication*> news;              // of this step
    unsigned changed = 0;                              // the step of the last change
    std::map<const ModelMessage*, unsigned> gone;      // and the step in which they went

    // Who sees it knows which of several it was.
    void settle_on(const ModelMessage* message) {
        for (const ModelMessage* other : may_be)
            if (other != message) gone[other] = changed;
        may_be = {message};
    }
};

// A PUBLISH as a client got it.
struct ModelDelivery {
    Qos qos = Qos::AtMostOnce;
    bool dup = false;
    bool retain = false;
    std::uint16_t packet_id = 0;
    std::uint64_t expiry_interval_s = kNoMessageExpiry;
    std::string topic;
    std::string payload;
    std::vector<std::uint32_t> ids;  // sorted
    ByteVector forwarded;

    std::string text() const;  // for a failure
};

// --- Subscriptions -------------------------------------------------------------------------------

struct ModelTerms {
    Qos qos = Qos::AtMostOnce;
    bool no_local = false;
    bool retain_as_published = false;
    std::uint32_t identifier = 0;

    bool operator==(const ModelTerms&) const = default;
};

// Every state that a subscription may be in; an empty one: it may not exist.
using MayBe = std::vector<std::optional<ModelTerms>>;

bool may_exist(const MayBe& states);
bool must_exist(const MayBe& states);
void add_state(MayBe& states, const std::optional<ModelTerms>& state);

// Identifiers from here on belong to shared subscriptions, so that a delivery tells whose it is.
// Below version 5 its topic does: see SimClient.
inline constexpr std::uint32_t kSharedIdentifiers = 100;

// A client publishes at most so many messages in a step. Those that come later may reach a member's
// core before the first has gone by its group's home.
inline constexpr std::uint32_t kMessagesAtOnce = 5;

// A PUBLISH or PUBREL reached this client on this of its connections.
struct ModelArrival {
    int client = 0;
    unsigned life = 0;
    bool is_current = true;  // not on a connection that has ended
};

// --- What is expected ----------------------------------------------------------------------------

// What one attempt makes a session expect: the filters that match, and what each may be.
struct Matching {
    const Publication* publication = nullptr;
    std::map<std::string, MayBe> filters;
};

// One message to one session, at most once. Several attempts at a QoS 2 message are one: whichever
// attempt the broker took, the delivery follows from that one.
struct Expected {
    std::vector<Matching> attempts;
    bool is_received = false;
    ModelDelivery received_as;
    bool may_be_replay = false;  // what was received: then the message itself is still to come
    bool may_be_dup = false;     // a connection broke on which it may have been sent unseen
    bool is_optional = false;    // it may have been lost or dropped, rightly

    const ModelMessage& message() const { return *attempts.front().publication->message; }
    bool is_certain() const;  // whichever order, it is sent
    bool fits(const ModelDelivery& delivery, Version version) const;
    Qos lowest_qos() const;
    Qos highest_qos() const;
};

// The retained messages that a SUBSCRIBE asks for: of each topic one copy, of the value at some
// time since.
struct ExpectedReplay {
    std::string filter;
    ModelTerms terms;
    unsigned since = 0;  // the step of the SUBSCRIBE
    bool is_certain = true;
    std::set<std::string> served;          // topics
    std::set<std::string> perhaps_served;  // topics: by this one or by one that is unsubscribed

    bool is_served(const std::string& topic) const {
        return served.count(topic) != 0 || perhaps_served.count(topic) != 0;
    }
};

// A message to one of a share group's members.
struct SharedExpected {
    enum class State : std::uint8_t { Waiting, Taken };

    const Publication* publication = nullptr;
    std::string group;  // "$share/name/filter"
    State state = State::Waiting;
    bool is_optional = false;
    bool is_due = false;      // somebody could take it at once: by the end of this step
    bool may_be_dup = false;  // at whoever gets it
    unsigned returned = 0;    // the step of the last return
};

// A delivery of QoS 1 or 2 that the client has not finished.
struct Outstanding {
    ModelDelivery delivery;
    std::uint64_t shared = 0;   // a share group's message
    bool has_pubrec = false;    // the client has sent PUBREC
    bool was_released = false;  // and the broker has it for certain
    bool has_finished = false;  // the client has sent PUBACK or PUBCOMP
    bool is_current = true;     // seen on this connection
    bool may_be_done = false;   // whether the broker got the last acknowledgement is not known
};

// --- Sessions ------------------------------------------------------------------------------------

struct ModelWill {
    const ModelMessage* message = nullptr;
    std::uint32_t delay_s = 0;
};

struct ModelConnect {
    Version version = Version::V4;
    bool clean_start = true;
    std::uint32_t expiry_s = 0;  // of the session, as granted
    std::uint16_t receive_maximum = 65535;
    std::optional<ModelWill> will;
};

struct ModelSession {
    int client = 0;
    unsigned life = 0;
    Version version = Version::V4;
    bool exists = false;
    bool is_connected = false;
    bool is_shaken = false;    // connections came or went in this step
    bool is_stalled = false;   // the client reads nothing
    bool was_stalled = false;  // in this step: what it reads may have been written long ago
    std::uint32_t expiry_s = 0;
    std::uint32_t receive_maximum = 65535;
    std::uint32_t window = 0;  // what the broker may have outstanding
    TimeMs ends_at = kNever;
    TimeMs will_due = kNever;
    std::optional<ModelWill> will;
    std::map<std::string, MayBe> subscriptions;                 // by filter, shared ones too
    std::map<std::string, std::vector<ModelTerms>> past_terms;  // of shared ones
    std::list<Expected> expected;
    std::set<std::string> alike;  // topics where messages without payload have waited together
    std::list<ExpectedReplay> replays;
    std::list<Outstanding> outstanding;  // in the order of sending

    // By publisher, topic and QoS the last message, and the last retained one.
    using Line = std::tuple<int, std::string, Qos>;
    std::map<Line, std::uint64_t> last;
    std::map<Line, std::uint64_t> last_retained;
    std::set<std::uint64_t> seen;  // numbers

    bool has_window() const { return outstanding.size() < window; }
    bool is_reading() const { return is_connected && !is_stalled; }
};

}  // namespace starling
