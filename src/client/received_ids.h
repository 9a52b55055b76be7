// The QoS 2 messages of a client that are half received.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace starling {

// Packet identifiers between their PUBLISH and their PUBREL: what comes under one of them again is
// no new message [MQTT-4.3.3-10]. The owner bounds them. Owner: the client's core.
class ClientReceivedIds {
public:
    // False when it is there already.
    bool insert(std::uint16_t packet_id) {
        const auto at = std::lower_bound(ids_.begin(), ids_.end(), packet_id);
        if (at != ids_.end() && *at == packet_id) return false;
        ids_.insert(at, packet_id);
        return true;
    }

    // False when it is not there.
    bool erase(std::uint16_t packet_id) {
        const auto at = std::lower_bound(ids_.begin(), ids_.end(), packet_id);
        if (at == ids_.end() || *at != packet_id) return false;
        ids_.erase(at);
        if (ids_.empty()) ids_ = {};
        return true;
    }

    std::size_t size() const { return ids_.size(); }
    void clear() { ids_ = {}; }

private:
    std::vector<std::uint16_t> ids_;  // in order
};

}  // namespace starling
