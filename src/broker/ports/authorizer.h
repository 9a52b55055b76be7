// Who may do what, in the broker's words.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "mqtt/types.h"

namespace starling {

// One thing that a client wants to do. Views are good during the call only.
struct Question {
    enum class Action : std::uint8_t { Connect, Publish, Subscribe };

    Action action = Action::Connect;
    std::uint64_t id = 0;        // names it in a late answer
    std::string_view client_id;  // Connect: as CONNECT says it, may be empty
    // As the answer to Connect gave it. 0 for a will: it is asked about together with its Connect.
    std::uint32_t identity = 0;
    // Connect
    std::string_view username;
    Bytes password;
    bool has_username = false;
    bool has_password = false;
    // Publish, also for a will: the topic name. Subscribe: the filter, as SUBSCRIBE says it.
    std::string_view topic;
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
};

struct Verdict {
    enum class Kind : std::uint8_t { Allowed, Denied, Later };

    Kind kind = Kind::Allowed;
    std::uint32_t identity = 0;  // Connect: how the authorizer knows this client from now on
    Reason reason = Reason::NotAuthorized;  // what a denied client is told
};

inline Reason reason_of(const Verdict& verdict) {
    return verdict.kind == Verdict::Kind::Allowed ? Reason::Success : verdict.reason;
}

// Asked once for every CONNECT with its will, PUBLISH and filter of a SUBSCRIBE. An answer may come
// turns later: until then nothing more is read from the client, and after
// limits::kAuthorizerTimeoutS the answer is no.
//
// Owner: the process; ask() and run() on one core: each core has its own.
class Authorizer {
public:
    virtual ~Authorizer() = default;

    // Whom late answers go to.
    class Listener {
    public:
        virtual ~Listener() = default;

        // An answer that nobody waits for any more is ignored. REQUIRES: verdict is not Later.
        virtual void on_verdict(std::uint64_t question, const Verdict& verdict) = 0;
    };

    virtual Verdict ask(const Question& question) = 0;

    // Gives the late answers that have come since.
    virtual void run(Listener&) {}

    // Asked before the core sleeps; what comes later wakes it.
    virtual bool has_answers() const { return false; }
};

}  // namespace starling
