#include "broker/session.h"

namespace starling {

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
