// The fifteen control packets as plain values. Views point into the bytes they were decoded from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "mqtt/properties.h"
#include "mqtt/types.h"

namespace starling {

inline constexpr std::uint32_t kNoExpiry = 0xFFFFFFFF;  // a session that never expires
inline constexpr std::uint64_t kNoMessageExpiry = std::uint64_t{1} << 32;  // no such property

struct WillPacket {
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
    std::string_view topic;
    Bytes payload;
    Properties properties;
};

struct Connect {
    Version version = Version::V4;
    bool clean_start = true;
    std::uint16_t keep_alive_s = 0;
    std::string_view client_id;
    std::optional<WillPacket> will;
    std::optional<std::string_view> user_name;
    std::optional<Bytes> password;
    Properties properties;  // defaults below version 5
};

struct Connack {
    bool session_present = false;
    Reason reason = Reason::Success;  // below version 5: encoded as the return code it stands for
    Properties properties;            // of a received one
};

struct Publish {
    Qos qos = Qos::AtMostOnce;
    bool dup = false;
    bool retain = false;
    std::uint16_t packet_id = 0;    // 0 for QoS 0
    std::uint16_t topic_alias = 0;  // 0: none
    std::uint64_t expiry_interval_s = kNoMessageExpiry;
    std::string_view topic;  // empty when only the alias names it
    Bytes properties;        // the raw block, valid; read the rest with for_each_property()
    Bytes payload;
};

// PUBACK, PUBREC, PUBREL and PUBCOMP.
struct Ack {
    std::uint16_t packet_id = 0;
    Reason reason = Reason::Success;
    std::string_view reason_string;
};

struct SubscribeFilter {
    std::string_view filter;
    Qos qos = Qos::AtMostOnce;
    bool no_local = false;
    bool retain_as_published = false;
    std::uint8_t retain_handling = 0;
};

struct Subscribe {
    std::uint16_t packet_id = 0;
    std::uint32_t subscription_identifier = 0;  // 0: none
    std::vector<SubscribeFilter> filters;
};

struct Unsubscribe {
    std::uint16_t packet_id = 0;
    std::vector<std::string_view> filters;
};

// SUBACK and UNSUBACK (which carries no codes below version 5).
struct Suback {
    std::uint16_t packet_id = 0;
    std::vector<Reason> reasons;
};

struct Disconnect {
    Reason reason = Reason::Success;
    Properties properties;
};

struct Auth {
    Reason reason = Reason::Success;
    Properties properties;
};

}  // namespace starling
