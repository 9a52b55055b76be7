// Hashes: one that a stranger cannot aim at, and one that Redis Cluster shares.
#pragma once

#include <cstdint>
#include <string_view>

namespace starling {

// The secret of this start. Every table keyed by what a peer sends hashes under it.
struct HashKey {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
};

// SipHash-1-3 of `text` (Aumasson and Bernstein, 2012).
std::uint64_t keyed_hash(const HashKey& key, std::string_view text);

// A text with its keyed hash, for tables that are asked one after the other.
struct Hashed {
    std::string_view text;
    std::uint64_t hash = 0;
};
inline Hashed hashed(const HashKey& key, std::string_view text) {
    return {text, keyed_hash(key, text)};
}

// CRC16-CCITT (XModem) of `text`: Redis Cluster's.
std::uint16_t crc16(std::string_view text);

inline constexpr std::uint16_t kSlots = 16384;

// The slot that a client id, a topic name or a share group lives in; its home core is slot % cores.
inline std::uint16_t slot_of(std::string_view name) {
    return static_cast<std::uint16_t>(crc16(name) % kSlots);
}

// Spreads a 64-bit value (the finaliser of SplitMix64).
inline std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    return value ^ (value >> 31);
}

}  // namespace starling
