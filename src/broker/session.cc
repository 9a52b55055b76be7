#include "broker/session.h"

namespace starling {

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

std::uint16_t Session::next_packet_id() {
    std::uint32_t position = 0;
    do {
        if (++last_packet_id == 0) last_packet_id = 1;
    } while (find_inflight(last_packet_id, position));
    return last_packet_id;
}

Inflight* Session::find_inflight(std::uint16_t packet_id, std::uint32_t& position) {
    if (!traffic) return nullptr;
    for (position = 0; position < traffic->inflight.size(); ++position)
        if (traffic->inflight[position].packet_id == packet_id) return &traffic->inflight[position];
    return nullptr;
}

}  // namespace starling
