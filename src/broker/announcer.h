// What this core tells the others of its interest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/counted.h"
#include "base/hash.h"
#include "broker/rounds.h"

namespace starling {

// One filter's first interest on a core, or the end of its last.
struct InterestChange {
    std::uint64_t fingerprint = 0;  // of an exact filter
    std::string wildcard;           // of one with wildcards: its text
    bool is_wanted = false;
};

// Owner: any core (immutable).
struct InterestChanges : Counted<InterestChanges> {
    explicit InterestChanges(std::vector<InterestChange> list) : values(std::move(list)) {}
    std::vector<InterestChange> values;
};

// Stands for an exact filter between cores: bits of its keyed hash, at most 48. Two filters may
// share one: that costs a useless mail, nothing else.
class Fingerprints {
public:
    explicit Fingerprints(const HashKey& key, unsigned bits = 48) : key_(key), shift_(64 - bits) {}

    std::uint64_t of(std::string_view text) const { return of(keyed_hash(key_, text)); }
    std::uint64_t of(std::uint64_t hash) const { return hash >> shift_; }

private:
    HashKey key_;
    unsigned shift_;
};

// How many of a core's exact filters have each fingerprint: open addressing, 12 bytes a slot.
// Owner: one core.
class FingerprintCounts {
public:
    // True when it is the first.
    bool add(std::uint64_t fingerprint);

    // True when it was the last. REQUIRES: it was added.
    bool remove(std::uint64_t fingerprint);

private:
    struct Slot {
        std::uint32_t low = 0;
        std::uint32_t high = 0;
        std::uint32_t count = 0;  // 0: empty
    };

    std::size_t find(std::uint64_t fingerprint) const;
    std::size_t home(const Slot& slot) const;
    void close_gap(std::size_t gap);
    void resize(std::size_t count);

    std::vector<Slot> slots_;
    std::size_t size_ = 0;
};

// Counts first and last interest, exact filters by their fingerprint so that withdrawing one of two
// that collide withdraws nothing, and announces the changes in rounds to all other cores. A filter
// is visible when all of them have confirmed it: whatever is published afterwards arrives.
//
// Owner: one core.
class Announcer {
public:
    Announcer(const Fingerprints& fingerprints, bool has_listeners)
        : fingerprints_(fingerprints),
          has_listeners_(has_listeners) {}

    // The first subscription or share group came to a filter, or the last one went.
    void want(std::string_view filter);
    void forget(std::string_view filter);

    bool is_visible(std::string_view filter) const;

    // The round after which all that is wanted now is visible, and the last that was confirmed.
    std::uint64_t last() const { return rounds_.last(); }
    std::uint64_t confirmed() const { return rounds_.confirmed(); }

    bool can_begin() const { return rounds_.can_begin(); }
    std::size_t backlog() const { return rounds_.backlog(); }

    // What goes to each of `listeners` other cores now. REQUIRES: can_begin().
    Ref<const InterestChanges> begin(std::uint32_t listeners);

    // One of them has it. True when all have.
    bool confirm();

private:
    void change(std::string_view filter, bool is_wanted);

    const Fingerprints& fingerprints_;
    const bool has_listeners_;
    FingerprintCounts counts_;
    Rounds<InterestChange> rounds_;
    Ref<const InterestChanges> on_its_way_;

    // What is wanted and not visible yet, by the round that announces it.
    std::unordered_map<std::uint64_t, std::uint64_t> hidden_;
    std::unordered_map<std::string, std::uint64_t> hidden_wildcards_;
};

}  // namespace starling
