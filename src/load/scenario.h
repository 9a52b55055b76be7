// What a run of the load tool does: which clients there are, what they publish and subscribe to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "load/stamp.h"
#include "mqtt/types.h"
#include "transport/quic/client_trust.h"

namespace starling {

// What each client of a group publishes to a topic of its own, or to one of all.
struct PublishPlan {
    std::string topic;  // "{}" stands for the client's number in its group
    Qos qos = Qos::AtMostOnce;
    bool is_retained = false;
    std::uint32_t bytes = kStampBytes;  // of the payload

    // Open loop: messages per second of all clients of the group together. 0: closed loop.
    double per_second = 0;

    // Closed loop: messages on their way at a time, of each client. 0: as many as the socket takes.
    std::uint32_t window = 0;

    std::uint32_t messages_max = ~std::uint32_t{0};  // of each client
};

// What each client of a group subscribes to.
struct SubscribePlan {
    std::string filter;  // with "{}" as above
    Qos qos = Qos::AtMostOnce;
    std::string share;     // "": not shared; else the clients of the group share the messages
    bool is_late = false;  // not on connecting, but after the hold
};

struct ClientGroup {
    std::string name;
    std::uint32_t count = 1;
    std::uint16_t keep_alive_s = 60;
    std::vector<PublishPlan> publishes;
    std::vector<SubscribePlan> subscribes;

    // Wildcard filters that nothing matches, shared out among the clients.
    std::uint32_t background_filters = 0;
};

// A whole run. Owner: a value, the same in every process of the run.
struct LoadScenario {
    std::string mode;
    std::vector<ClientGroup> groups;

    std::string host = "127.0.0.1";  // numeric
    std::uint16_t port = 1883;

    // Over QUIC, from a server whose certificate is for `server_name`; none: over TCP.
    std::optional<quic::ClientTrust> quic;
    std::string server_name;

    Version version = Version::V5;
    std::uint8_t run = 0;      // see Stamp; part of the client ids, too
    double connect_rate = 0;   // connections per second over all; 0: as fast as they are taken
    std::uint32_t hold_s = 0;  // from the last connection to the first message
    std::uint32_t warmup_s = 0;
    std::uint32_t duration_s = 0;
    std::uint32_t processes = 1;

    bool counts_any_flow = false;  // messages of other runs and programs count, too
};

// The topic or filter of one client.
std::string fill_in(const std::string& text, std::uint32_t client);

// Whether each client has one of its own.
bool has_place(const std::string& text);

// How the simple modes are made of groups.
struct ModeSettings {
    std::uint32_t clients = 0;  // conn: clients; p2p: pairs
    std::uint32_t publishers = 0, subscribers = 0;
    std::string prefix = "bench";
    std::uint16_t keep_alive_s = 60;
    PublishPlan publish;  // without its topic
    std::string share;
    std::uint32_t background_filters = 0;
    bool uses_wildcard = false;   // subscribe by wildcard
    bool has_own_filter = false;  // conn: each has a subscription
    bool broadcasts = false;      // conn: after the hold everybody gets a message
};

std::vector<ClientGroup> connecting_groups(const ModeSettings& settings);
std::vector<ClientGroup> publishing_groups(const ModeSettings& settings);
std::vector<ClientGroup> subscribing_groups(const ModeSettings& settings);
std::vector<ClientGroup> pair_groups(const ModeSettings& settings);
std::vector<ClientGroup> crossed_groups(const ModeSettings& settings);  // P to M

}  // namespace starling
