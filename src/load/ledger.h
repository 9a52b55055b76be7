// Which messages of one flow have come to one receiver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace starling {

// Messages of consecutive sequence numbers.
struct SequenceRange {
    std::uint32_t first = 0;
    std::uint32_t end = 0;  // one past the last

    bool operator==(const SequenceRange&) const = default;
};

// Tells new from repeated, late from in order, and remembers what is missing: 16 bytes while
// nothing is. Owner: the receiver.
class SequenceLedger {
public:
    // Separate gaps remembered. Beyond: the oldest is given up, as lost; what comes of it after
    // that counts as a duplicate.
    static constexpr std::size_t kGapsMax = 4'096;

    struct Arrival {
        bool is_new = true;
        bool is_in_order = true;    // of a duplicate it says nothing
        std::uint32_t skipped = 0;  // messages that are missing since this arrival
    };

    explicit SequenceLedger(std::uint32_t first = 0) : next_(first) {}

    Arrival take(std::uint32_t sequence);

    // What has not come, of a flow that ended before `end`. The ranges leave out what was given up.
    std::uint64_t missing(std::uint32_t end) const;
    std::vector<SequenceRange> missing_ranges(std::uint32_t end) const;

    // One past the highest that came.
    std::uint32_t next() const { return next_; }

private:
    struct Gaps {
        std::vector<SequenceRange> ranges;  // in order
        std::uint64_t given_up = 0;
    };

    void skip_to(std::uint32_t sequence);
    bool fill(std::uint32_t sequence);

    std::unique_ptr<Gaps> gaps_;
    std::uint32_t next_;
};

}  // namespace starling
