// The secrets of a server that outlive a connection.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/counted.h"
#include "base/limits.h"

namespace starling::quic {

// Secrets made together. What may still be opened with them differs: whatever is sealed with
// `tokens` and `tickets` is over by itself, an id is good for as long as its connection lives.
struct KeySet {
    std::array<std::byte, 16> ids{};      // seals connection ids
    std::array<std::byte, 32> resets{};   // makes stateless reset tokens
    std::array<std::byte, 16> tokens{};   // seals address tokens
    std::array<std::byte, 64> tickets{};  // seals TLS session tickets
    std::uint64_t made_at_s = 0;          // wall clock
    std::uint8_t place = 0;               // among the sets: no two have the same, it never changes

    // All random, from the system.
    static KeySet random(std::uint64_t made_at_s, std::uint8_t place);

    // False of one that is kept for its connections alone: tokens and tickets are wiped.
    bool opens_tokens() const { return tickets != decltype(tickets){}; }
};

// Of each place, whether a connection began under the set that is there.
using KeyPlaces = std::bitset<limits::kQuicKeySets>;

// How long keys are used.
struct KeyTerms {
    static constexpr std::uint64_t kOverlapMaxS = 7 * 86'400;  // as long as a token is good

    std::uint64_t period_s = limits::kQuicKeysDays * 86'400;  // 0: for ever

    // Seconds that a set which was replaced opens tokens and tickets: for as long as a token is
    // good, but for so few periods that most places stay free.
    std::uint64_t overlap_s() const;
};

// All sets that a server knows. It seals with the newest, and opens with each: so it recognises
// what it has given out before the keys were replaced, and in an earlier life. The epoch tells the
// lives apart. One for all cores.
// Owner: any core; immutable once made.
struct QuicKeys {
    std::vector<KeySet> sets;  // the newest first; one at least, limits::kQuicKeySets at most
    std::uint32_t epoch = 0;   // of this start

    // One set, made at this time.
    static QuicKeys random(std::uint64_t now_s = 0);

    const KeySet& newest() const { return sets.front(); }

    // Whether the newest set is older than a period. A clock that was set back makes keys of the
    // future: they are as good as any.
    bool are_due(std::uint64_t now_s, const KeyTerms& terms) const;

    // What they are to be from now on; none when that is what they are. Keys that are due get a
    // new set before them, if there is a place. A set whose overlap is over goes, or stays for its
    // connections alone.
    std::optional<QuicKeys> renewed(std::uint64_t now_s, const KeyTerms& terms,
                                    KeyPlaces in_use) const;

private:
    bool retire(std::size_t set, std::uint64_t now_s, const KeyTerms& terms, KeyPlaces in_use);
    std::optional<std::uint8_t> free_place() const;
};

// The same for whoever keeps a reference.
struct SharedKeys : Counted<SharedKeys> {
    explicit SharedKeys(const QuicKeys& its_keys) : keys(its_keys) {}
    const QuicKeys keys;
};

}  // namespace starling::quic
