#include "load/ledger.h"

#include <algorithm>

namespace starling {

SequenceLedger::Arrival SequenceLedger::take(std::uint32_t sequence) {
    if (sequence < next_) return {.is_new = fill(sequence), .is_in_order = false};
    const std::uint32_t skipped = sequence - next_;
    if (skipped != 0) skip_to(sequence);
    next_ = sequence + 1;
    return {.skipped = skipped};
}

void SequenceLedger::skip_to(std::uint32_t sequence) {
    if (!gaps_) gaps_ = std::make_unique<Gaps>();
    auto& ranges = gaps_->ranges;
    ranges.push_back({next_, sequence});
    if (ranges.size() <= kGapsMax) return;
    gaps_->given_up += ranges.front().end - ranges.front().first;
    ranges.erase(ranges.begin());
}

// False when it was not missing.
bool SequenceLedger::fill(std::uint32_t sequence) {
    if (!gaps_) return false;
    auto& ranges = gaps_->ranges;
    const auto at = std::partition_point(
        ranges.begin(), ranges.end(), [&](SequenceRange range) { return range.end <= sequence; });
    if (at == ranges.end() || sequence < at->first) return false;

    const SequenceRange before{at->first, sequence}, after{sequence + 1, at->end};
    if (before.first == before.end && after.first == after.end) ranges.erase(at);
    else if (before.first == before.end) *at = after;
    else {
        *at = before;
        if (after.first != after.end) ranges.insert(at + 1, after);
    }
    return true;
}

std::uint64_t SequenceLedger::missing(std::uint32_t end) const {
    std::uint64_t count = end > next_ ? end - next_ : 0;
    if (!gaps_) return count;
    for (const SequenceRange& range : gaps_->ranges) count += range.end - range.first;
    return count + gaps_->given_up;
}

std::vector<SequenceRange> SequenceLedger::missing_ranges(std::uint32_t end) const {
    std::vector<SequenceRange> ranges;
    if (gaps_) ranges = gaps_->ranges;
    if (end > next_) ranges.push_back({next_, end});
    return ranges;
}

}  // namespace starling
