// What QUIC counts, for operators.
#pragma once

#include <vector>

#include "base/figures.h"
#include "transport/quic/counters.h"
#include "transport/quic/quic_keys.h"

namespace starling {

// The counters of all cores and addresses, added up: below $SYS/broker/quic/.
// Owner: the main thread until the cores run; then any may read.
class QuicFigures final : public FigureSource {
public:
    // `counters` outlive the last reader.
    void add(const quic::QuicCounters& counters) { counters_.push_back(&counters); }

    void for_each_figure(const Visit& visit) const override;

    // Under which keys connections have begun that live.
    quic::KeyPlaces keys_in_use() const;

private:
    std::vector<const quic::QuicCounters*> counters_;
};

}  // namespace starling
