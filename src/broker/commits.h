// Which of the store's commits are under way.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/fifo.h"
#include "base/time.h"

namespace starling {

// Each turn's changes go with one commit; several may be under way, and they end in order. Who
// waits for a change waits for the number of its commit. Owner: one core.
class Commits {
public:
    // A change joins those of this turn.
    void add() { ++changes_; }

    // Changes there have been: who finds another number later has made some meanwhile.
    std::uint64_t changes() const { return changes_; }

    // The commit that holds the latest change.
    std::uint64_t last() const { return can_begin() ? begun_ + 1 : begun_; }

    bool can_begin() const { return changes_ != begun_changes_; }

    // REQUIRES: can_begin(). Returns its number.
    std::uint64_t begin(TimeMs now) {
        STARLING_ASSERT(can_begin());
        open_.push({changes_ - begun_changes_, now});
        begun_changes_ = changes_;
        return ++begun_;
    }

    // This commit has ended, and so have those before it.
    void end(std::uint64_t commit) {
        STARLING_ASSERT(commit <= begun_);
        while (ended_ < commit) {
            ended_changes_ += open_.pop().changes;
            ++ended_;
        }
    }

    bool has_ended(std::uint64_t commit) const { return commit <= ended_; }

    // When the oldest that is under way began; kNever: none is.
    TimeMs oldest_since() { return open_.empty() ? kNever : open_.front().begun_at; }

    // Changes that no commit that has ended holds.
    std::uint64_t backlog() const { return changes_ - ended_changes_; }

private:
    struct Open {
        std::uint64_t changes;
        TimeMs begun_at;
    };

    Fifo<Open> open_;
    std::uint64_t changes_ = 0;
    std::uint64_t begun_changes_ = 0;
    std::uint64_t ended_changes_ = 0;
    std::uint64_t begun_ = 0;
    std::uint64_t ended_ = 0;
};

}  // namespace starling
