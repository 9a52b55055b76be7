#include "app/quic_figures.h"

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

}  // namespace starling
