// What the first bytes of each payload say of their message.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace starling {

// 16 bytes: a check, the due time, the run and the flow, the sequence number.
inline constexpr std::size_t kStampBytes = 16;

// A flow is what one publisher sends to one topic.
inline constexpr std::uint32_t kFlowsMax = 1u << 24;

// Owner: a value.
struct Stamp {
    std::uint8_t run = 0;        // tells runs apart that meet on a broker
    std::uint32_t flow = 0;      // below kFlowsMax
    std::uint32_t sequence = 0;  // from 0 in each flow
    std::uint64_t due_ns = 0;    // of monotonic_ns(); its lower 48 bits travel: 78 hours

    bool operator==(const Stamp&) const = default;
};

// REQUIRES: room for kStampBytes.
void write_stamp(const Stamp& stamp, std::byte* at);

// None when the payload does not begin with a stamp.
std::optional<Stamp> read_stamp(Bytes payload);

// The time from `due_ns`, of which 48 bits may be left, to `now_ns`; 0 when that is not past yet.
std::uint64_t age_ns(std::uint64_t due_ns, std::uint64_t now_ns);

}  // namespace starling
