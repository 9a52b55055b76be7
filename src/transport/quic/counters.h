// What the QUIC of a core counts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "base/limits.h"

namespace starling::quic {

enum class QuicCount : std::uint8_t {
    DatagramsReceived,
    Handshakes,     // completed
    Resumptions,    // of those, without a certificate
    EarlyAccepted,  // with early data; and those whose early data was refused
    EarlyRefused,
    EarlyReplays,       // tickets shown again to have early data act; and those that could not be
    EarlyUnregistered,  // remembered
    HandshakesFailed,
    RetriesSent,
    TokensRefused,       // forged, stale, or of another address
    RefusedHalfOpen,     // Initials dropped at the bound of half-open handshakes
    RefusedPerNetwork,   // at that of those of one source network
    RefusedConnections,  // and at that of connections
    VersionsNegotiated,
    ResetsSent,
    ResetsWithheld,         // by their rate
    Malformed,              // datagrams that no connection and no rule wanted
    Strays,                 // handed to the core that owns them
    Departures,             // connections that have moved to another core
    Arrivals,               // and from one
    MovesRefused,           // closed instead
    Forwarded,              // datagrams handed to the core of a connection that has moved
    ForwardsDropped,        // lost at the bounds of mail and of what is held
    StreamCreditsWithheld,  // times that a client opened streams faster than it may
    WakesDelayed,           // times that a parked connection had to wait before it could send
    TurnsCut,               // times that a socket had more datagrams than a turn reads
    // As things stand: set, not added to. See WindowCache, WakeGate.
    Connections,
    Parked,
    Large,
    Pinned,
    Awake,
    BlobBytes,
    WindowBytes,
    WindowHits,
    WindowLoads,
    kEnd,
};

// What operators read of them, in the order of the enumeration.
inline constexpr const char* kQuicCountNames[] = {
    "datagrams_received",
    "handshakes",
    "resumptions",
    "early_accepted",
    "early_refused",
    "early_replays",
    "early_unregistered",
    "handshakes_failed",
    "retries_sent",
    "tokens_refused",
    "refused_half_open",
    "refused_per_network",
    "refused_connections",
    "versions_negotiated",
    "resets_sent",
    "resets_withheld",
    "malformed",
    "strays",
    "departures",
    "arrivals",
    "moves_refused",
    "forwarded",
    "forwards_dropped",
    "stream_credits_withheld",
    "wakes_delayed",
    "turns_cut",
    "connections",
    "parked",
    "large",
    "pinned",
    "awake",
    "blob_bytes",
    "window_bytes",
    "window_hits",
    "window_loads",
};
static_assert(std::size(kQuicCountNames) == static_cast<std::size_t>(QuicCount::kEnd));

// Owner: one core writes; anybody may read, and sees each value at some recent moment.
class alignas(64) QuicCounters {
public:
    void add(QuicCount count) {
        auto& value = values_[static_cast<std::size_t>(count)];
        value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    void set(QuicCount count, std::uint64_t value) {
        values_[static_cast<std::size_t>(count)].store(value, std::memory_order_relaxed);
    }
    std::uint64_t operator[](QuicCount count) const {
        return values_[static_cast<std::size_t>(count)].load(std::memory_order_relaxed);
    }

    // Connections that began under the keys of a place, as things stand.
    void add_key_use(std::uint8_t place, std::int32_t change) {
        auto& value = key_uses_[place];
        value.store(value.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(change),
                    std::memory_order_relaxed);
    }
    std::uint32_t key_uses(std::uint8_t place) const {
        return key_uses_[place].load(std::memory_order_relaxed);
    }

private:
    std::array<std::atomic<std::uint32_t>, limits::kQuicKeySets> key_uses_{};
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(QuicCount::kEnd)> values_{};
};

}  // namespace starling::quic
