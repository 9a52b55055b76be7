#include "load/tally.h"

#include <algorithm>

namespace starling {

std::uint64_t Tally::errors() const {
    const Tally& self = *this;
    return self[Figure::FailedConnects] + self[Figure::LostConnections] +
           self[Figure::RefusedSubscriptions] + self[Figure::RefusedMessages];
}

void Tally::merge(const Tally& other) {
    for (std::size_t at = 0; at < figures.size(); ++at) figures[at] += other.figures[at];
    latency_ns.merge(other.latency_ns);
    const std::size_t room = kMissingMax - std::min(kMissingMax, missing.size());
    const std::size_t count = std::min(room, other.missing.size());
    missing.insert(missing.end(), other.missing.begin(),
                   other.missing.begin() + static_cast<std::ptrdiff_t>(count));
    if (first_error.empty()) first_error = other.first_error;
}

}  // namespace starling
