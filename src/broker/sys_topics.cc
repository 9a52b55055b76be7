#include "broker/sys_topics.h"

#include <cmath>
#include <cstdio>

namespace starling {

void SysTopics::sample(const Counters& counters, TimeMs now) {
    const double minutes = static_cast<double>(now - sampled_at_) / 60'000.0;
    sampled_at_ = now;
    if (minutes <= 0) return;
    for (std::size_t load = 0; load < kLoads.size(); ++load) {
        const std::uint64_t value = counters[kLoads[load].count];
        const double rate = static_cast<double>(value - last_[load]) / minutes;
        last_[load] = value;
        // An exponential average weighs a sample by how much of its window it covers.
        for (std::size_t i = 0; i < kMinutes.size(); ++i)
            per_minute_[load][i] +=
                (1 - std::exp(-minutes / kMinutes[i])) * (rate - per_minute_[load][i]);
    }
}

std::string SysTopics::decimals(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f", value);
    return text.data();
}

}  // namespace starling
