#include "broker/session.h"

namespace starling {

std::uint32_t SessionTraffic::first_unsent() {
    std::uint32_t position = 0;
    while (inflight[position].is_current) ++position;
    return position;
}

bool SessionTraffic::remembers(std::uint16_t packet_id) const {
    return std::binary_search(received.begin(), received.end(), packet_id);
}

void SessionTraffic::remember(std::uint16_t packet_id) {
    received.insert(std::lower_bound(received.begin(), received.end(), packet_id), packet_id);
}

bool SessionTraffic::forget(std::uint16_t packet_id) {
    const auto at = std::lower_bound(received.begin(), received.end(), packet_id);
    if (at == received.end() || *at != packet_id) return false;
    received.erase(at);
    return true;
}

std::uint16_t Session::distance_to_used_id(std::uint16_t packet_id) const {
    std::uint16_t distance = 0xFFFF;
    for (std::uint32_t at = 0; traffic && at < traffic->inflight.size(); ++at)
        distance = std::min(
            distance, static_cast<std::uint16_t>(traffic->inflight[at].packet_id - packet_id - 1));
    return distance;
}

Inflight* Session::find_inflight(std::uint16_t packet_id, std::uint32_t& position) {
    if (!traffic) return nullptr;
    for (position = 0; position < traffic->inflight.size(); ++position)
        if (traffic->inflight[position].packet_id == packet_id) return &traffic->inflight[position];
    return nullptr;
}

}  // namespace starling
