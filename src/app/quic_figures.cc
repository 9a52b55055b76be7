#include "app/quic_figures.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace starling {

void QuicFigures::for_each_figure(const Visit& visit) const {
    for (std::size_t count = 0; count < std::size(quic::kQuicCountNames); ++count) {
        std::uint64_t sum = 0;
        for (const quic::QuicCounters* one : counters_)
            sum += (*one)[static_cast<quic::QuicCount>(count)];
        visit(std::string("quic/") + quic::kQuicCountNames[count], sum);
    }
}

quic::KeyPlaces QuicFigures::keys_in_use() const {
    quic::KeyPlaces places;
    for (std::uint8_t place = 0; place < places.size(); ++place)
        places[place] = std::ranges::any_of(
            counters_, [&](const auto* one) { return one->key_uses(place) != 0; });
    return places;
}

}  // namespace starling
