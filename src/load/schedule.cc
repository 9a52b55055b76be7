#include "load/schedule.h"

#include "base/assert.h"

namespace starling {

OpenSchedule::OpenSchedule(double messages_per_second, std::uint32_t flows,
                           std::vector<std::uint32_t> own, std::uint64_t start_ns)
    : interval_ns_(1e9 / messages_per_second),
      flows_(flows),
      own_(std::move(own)),
      start_ns_(start_ns) {
    STARLING_ASSERT(messages_per_second > 0 && !own_.empty() && own_.back() < flows_);
}

std::uint64_t OpenSchedule::due_ns(std::uint32_t flow, std::uint32_t sequence) const {
    const std::uint64_t number = std::uint64_t{sequence} * flows_ + flow;
    return start_ns_ + static_cast<std::uint64_t>(static_cast<double>(number) * interval_ns_);
}

std::uint32_t OpenSchedule::next() {
    const std::uint32_t flow = own_[position_];
    if (++position_ == own_.size()) {
        position_ = 0;
        ++round_;
    }
    return flow;
}

}  // namespace starling
