// What the other cores want.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/core_set.h"
#include "base/slab.h"
#include "broker/announcer.h"
#include "broker/topic_tree.h"

namespace starling {

// Pairs of a fingerprint and a core in one table: 8 bytes a slot. Owner: one core.
class ExactInterest {
public:
    void add(std::uint64_t fingerprint, CoreId core);
    void remove(std::uint64_t fingerprint, CoreId core);  // REQUIRES: it is there
    void find(std::uint64_t fingerprint, CoreSet& into) const;

private:
    static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

    // No core has this number, so no entry looks empty.
    static std::uint64_t entry(std::uint64_t fingerprint, CoreId core) {
        return fingerprint << 16 | core;
    }
    std::size_t mask() const { return slots_.size() - 1; }
    std::size_t home(std::uint64_t entry) const { return mix(entry >> 16) & mask(); }
    void place(std::uint64_t entry);
    void resize(std::size_t count);

    std::vector<std::uint64_t> slots_;
    std::size_t size_ = 0;
};

// The announcements of all other cores: exact filters by fingerprint, wildcard filters in a tree.
// Owner: one core.
class Interest {
public:
    Interest(const HashKey& key, const Fingerprints& fingerprints)
        : fingerprints_(fingerprints),
          tree_(key) {}

    // Takes in what `core` says.
    void apply(CoreId core, const InterestChange& change);

    // The other cores that want a topic. One of them may be wrong, none is missing.
    CoreSet cores_for(const Hashed& topic) const;

private:
    struct Wildcard {
        CoreSet cores;
    };

    void apply_wildcard(CoreId core, const InterestChange& change);

    const Fingerprints& fingerprints_;
    ExactInterest exact_;
    TopicTree tree_;
    Slab<Wildcard> wildcards_;
};

}  // namespace starling
