// Changes that other cores must hear of and confirm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace starling {

// One round at a time is on its way, and what comes meanwhile goes with the next: so changes never
// overtake each other, and who waits for one waits for the number of its round. Owner: one core.
template <typename Change>
class Rounds {
public:
    void add(Change change) { pending_.push_back(std::move(change)); }

    // The round that carries what is added now.
    std::uint64_t next() const { return begun_ + 1; }

    // The round that carries the latest change.
    std::uint64_t last() const { return pending_.empty() ? begun_ : begun_ + 1; }

    // The last round that all have confirmed.
    std::uint64_t confirmed() const { return open_ == 0 ? begun_ : begun_ - 1; }

    bool can_begin() const { return open_ == 0 && !pending_.empty(); }

    // Changes that no round carries yet.
    std::size_t backlog() const { return pending_.size(); }

    // The changes of the next round. REQUIRES: can_begin(); expect() follows.
    std::vector<Change> begin() {
        ++begun_;
        return std::exchange(pending_, {});
    }

    // So many confirmations end the round that has begun.
    void expect(std::uint32_t confirmations) { open_ = confirmations; }

    // One more confirmation. True when it was the last of its round.
    bool confirm() {
        STARLING_ASSERT(open_ != 0);
        return --open_ == 0;
    }

private:
    std::vector<Change> pending_;
    std::uint64_t begun_ = 0;
    std::uint32_t open_ = 0;
};

}  // namespace starling
