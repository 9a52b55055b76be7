// What publishers published on last.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/handle.h"
#include "base/hash.h"

namespace starling {

// Most clients publish on one topic again and again: whoever does so soon enough has it judged and
// hashed once. A connection's place is found by its index, and the last to come has it; only short
// topics are kept, so that a core's memory of them is 16 KiB. Owner: one core.
class RecentTopics {
public:
    static constexpr std::size_t kPlaces = 256;
    static constexpr std::size_t kTextBytes = 47;

    // The last topic of this connection, or an empty one.
    Hashed find(Handle connection) const {
        const Place& place = places_[connection.index % kPlaces];
        if (place.connection != connection) return {};
        return {{place.text.data(), place.size}, place.hash};
    }

    void remember(Handle connection, const Hashed& topic) {
        if (topic.text.size() > kTextBytes) return;
        Place& place = places_[connection.index % kPlaces];
        place.connection = connection;
        place.hash = topic.hash;
        place.size = static_cast<std::uint8_t>(topic.text.size());
        topic.text.copy(place.text.data(), topic.text.size());
    }

private:
    struct Place {
        Handle connection;
        std::uint64_t hash = 0;
        std::uint8_t size = 0;
        std::array<char, kTextBytes> text;
    };
    static_assert(sizeof(Place) == 64);

    std::array<Place, kPlaces> places_{};
};

}  // namespace starling
