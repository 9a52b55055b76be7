// What an operator can decide about the broker. Defaults and bounds: base/limits.h.
#pragma once

#include <cstdint>

#include "base/limits.h"
#include "mqtt/types.h"

namespace starling {

// Immutable once the broker runs. Owner: any core.
struct BrokerOptions {
    // limits
    std::uint32_t connections_max = limits::kConnections;
    std::uint32_t handshakes_max = limits::kHandshakes;  // sockets without CONNECT
    std::uint32_t connect_timeout_s = limits::kConnectTimeoutS;
    std::uint32_t subscriptions_per_client = limits::kSubscriptionsPerClient;
    std::uint32_t queue_messages = limits::kQueueMessages;
    bool queue_drops_newest = false;  // else the oldest
    std::uint32_t client_bytes = limits::kClientBytes;
    std::uint32_t outbox_bytes = limits::kOutboxBytes;
    std::uint32_t packet_bytes_max = limits::kPacketBytes;
    std::uint16_t inflight_out = limits::kInflightOut;
    std::uint16_t inflight_in = limits::kInflightIn;
    std::uint16_t client_id_bytes = limits::kClientIdBytes;
    bool long_client_ids_v3 = false;  // more than 23 bytes from MQTT 3.1 clients
    std::uint16_t topic_levels = limits::kTopicLevels;
    std::uint16_t topic_aliases = limits::kTopicAliases;
    std::uint32_t sessions_max = limits::kSessions;
    std::uint32_t session_expiry_max_s = limits::kSessionExpiryS;
    std::uint32_t retained_messages = limits::kRetainedMessages;
    std::uint64_t retained_bytes = limits::kRetainedBytes;
    std::uint32_t mail_credit = limits::kMailCredit;  // requests to each other core
    unsigned fingerprint_bits = 48;                   // fewer: more filters collide

    std::uint64_t memory_max = 0;  // bytes of the process; 0: any

    // what is announced and allowed
    Qos maximum_qos = Qos::ExactlyOnce;
    bool retain_available = true;
    bool wildcard_subscriptions = true;
    bool shared_subscriptions = true;
    bool subscription_identifiers = true;
    bool keeps_stream_subscriptions = true;  // in the session, beyond the connection
    std::uint16_t server_keep_alive_s = 0;  // 0: the client's
    std::uint16_t keep_alive_max_s = 0;     // 0: any

    // how a share group picks its member
    enum class ShareStrategy : std::uint8_t { RoundRobin, Random, Sticky, HashClientId, HashTopic };
    ShareStrategy share_strategy = ShareStrategy::RoundRobin;

    std::uint32_t sys_interval_s = limits::kSysIntervalS;  // 0: no $SYS
    std::uint32_t shutdown_timeout_s = limits::kShutdownTimeoutS;
};

}  // namespace starling
