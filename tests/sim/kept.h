// What the broker's stores have kept: what would come back after a crash.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/ports/store.h"

namespace starling {

struct KeptTerms {
    Qos qos = Qos::AtMostOnce;
    bool no_local = false;
    bool retain_as_published = false;
    std::uint32_t identifier = 0;
};

struct KeptDelivery {
    std::string topic;
    std::string payload;
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
    bool is_shared = false;       // a share group's message
    std::uint16_t packet_id = 0;  // of QoS 2, once it is sent
    bool was_released = false;
};

struct KeptSession {
    std::uint32_t expiry_s = 0;
    bool is_connected = false;
    std::string will_topic;                          // empty: no will
    std::map<std::string, KeptTerms> subscriptions;  // by filter, shared ones too
    std::vector<KeptDelivery> deliveries;            // from the oldest
    std::set<std::uint16_t> received;                // QoS 2 identifiers
};

// Changes join what is kept when the commit that holds them ends. One that cannot be is a fault of
// who told of it. Owner: the world; the stores of all cores change it.
class Kept {
public:
    // A change in the hands of a store, with all that it speaks of copied.
    struct Change {
        std::string note;  // what it is, for is_under_way()
        std::function<void(Kept&)> apply;
    };

    // The store has heard of it. `client_id` is empty for Retained.
    Change begin(std::string_view client_id, const change::Any& change);
    void end(const Change& change);

    // How a change is called here. What may be of a replay, which no acknowledgement waits for, has
    // no such name.
    static std::string note_of_message(const char* what, std::string_view topic,
                                       std::string_view payload);
    static std::string note_of_filter(const char* what, std::string_view client_id,
                                      std::string_view filter);
    static std::string note_of_id(const char* what, std::string_view client_id,
                                  std::uint16_t packet_id);

    bool is_under_way(const std::string& note) const { return under_way_.count(note) != 0; }
    bool is_settled() const { return under_way_.empty(); }

    const KeptSession* find(const std::string& client_id) const;
    const std::map<std::string, KeptSession>& sessions() const { return sessions_; }
    const std::map<std::string, std::string>& retained() const { return retained_; }  // payloads
    bool is_empty() const { return sessions_.empty() && retained_.empty(); }

    // The first change that could not be; empty: there was none.
    const std::string& fault() const { return fault_; }

private:
    struct Reader;  // of one change

    void fail(const std::string& what) {
        if (fault_.empty()) fault_ = what;
    }

    std::map<std::string, KeptSession> sessions_;  // by client identifier
    std::map<std::string, std::string> retained_;
    std::multiset<std::string> under_way_;
    std::string fault_;
};

}  // namespace starling
