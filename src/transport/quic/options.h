// What an operator may set of QUIC.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/limits.h"
#include "transport/address_block.h"

namespace starling::quic {

// What a server shows, and wants to be shown: PEM files by their names.
struct TlsFiles {
    std::string certificate;         // its own, then those that lead to its authority
    std::string key;                 // of the first
    std::string client_authorities;  // "": clients need no certificate
};

// What a server does with what a client says in its first flight, under the keys of an earlier
// connection: anybody who has seen that flight can send it again. See docs/decisions/015.
enum class EarlyData : std::uint8_t {
    Off,      // refuses it, and its tickets offer none
    Connect,  // takes it, and hands it on when the handshake has shown that it is no replay
    Full,     // hands it on at once, if the ticket has never been used before
};

// Where the programs that try a broker run, with very many clients at one address.
inline std::vector<AddressBlock> this_machine() {
    return {*AddressBlock::parse("127.0.0.0/8"), *AddressBlock::parse("::1/128")};
}

// Defaults and reasons: base/limits.h. Plain data.
struct QuicOptions {
    // Of a core, with half-open ones; and as many that have moved away from it.
    std::uint32_t connections = limits::kConnections;
    std::uint32_t half_open = limits::kQuicHalfOpen;
    std::uint32_t retry_from = limits::kQuicRetryFrom;
    std::uint32_t half_open_per_network = limits::kQuicHalfOpenPerNetwork;
    std::vector<AddressBlock> unlimited_sources = this_machine();
    std::uint32_t handshake_timeout_s = limits::kQuicHandshakeTimeoutS;
    std::uint32_t user_timeout_ms = limits::kQuicUserTimeoutMs;
    std::uint16_t streams = limits::kQuicStreams;
    std::uint32_t stream_bytes = limits::kQuicStreamBytes;
    std::uint32_t connection_bytes = limits::kQuicConnectionBytes;
    std::uint32_t held_stream_bytes = limits::kQuicHeldStreamBytes;
    std::uint32_t held_bytes = limits::kQuicHeldBytes;
    std::uint16_t streams_per_second = limits::kQuicStreamsPerSecond;
    std::uint32_t forwards = limits::kQuicForwards;
    std::uint32_t held_datagrams = limits::kQuicHeldDatagrams;
    std::uint32_t resets_per_second = limits::kQuicResetsPerSecond;
    std::uint32_t live_ciphers = limits::kQuicLiveCiphers;
    std::uint32_t keys_days = limits::kQuicKeysDays;  // 0: their keys are never replaced
    std::uint32_t windows = limits::kQuicWindows;
    std::uint32_t pinned = limits::kQuicPinned;
    std::uint32_t wakes = limits::kQuicWakes;
    EarlyData early_data = EarlyData::Connect;
    std::uint32_t early_tickets = limits::kQuicEarlyTickets;
    bool parks_always = false;  // for tests: see WindowCache
};

}  // namespace starling::quic
