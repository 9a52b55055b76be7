// The broker's own topics, under the names that Mosquitto gave them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/counters.h"
#include "base/time.h"
#include "base/version.h"

namespace starling {

// What no core counts alone.
struct SysState {
    std::uint64_t clients_connected = 0;
    std::uint64_t clients_most = 0;
    std::uint64_t retained = 0;
};

// Averages the loads over 1, 5 and 15 minutes and writes out every value.
// Owner: one core.
class SysTopics {
public:
    // Takes the counters as they are `now`. Called once an interval.
    void sample(const Counters& counters, TimeMs now);

    // Calls visit(topic, text) for each topic.
    template <typename Visit>
    void for_each(const Counters& counters, const SysState& state, TimeMs now, Visit visit) const;

private:
    struct Load {
        const char* topic;  // below $SYS/broker/load/
        Count count;
    };
    static constexpr std::array<Load, 5> kLoads = {{
        {"messages/received", Count::PacketsReceived},
        {"publish/received", Count::PublishReceived},
        {"publish/sent", Count::PublishSent},
        {"bytes/received", Count::BytesReceived},
        {"bytes/sent", Count::BytesSent},
    }};
    static constexpr std::array<std::uint32_t, 3> kMinutes = {1, 5, 15};

    static std::string decimals(double value);

    std::array<std::uint64_t, kLoads.size()> last_{};
    std::array<std::array<double, kMinutes.size()>, kLoads.size()> per_minute_{};
    TimeMs sampled_at_ = 0;
};

template <typename Visit>
void SysTopics::for_each(const Counters& counters, const SysState& state, TimeMs now,
                         Visit visit) const {
    const auto number = [&](const char* topic, std::uint64_t value) {
        visit(std::string("$SYS/broker/") + topic, std::to_string(value));
    };
    visit(std::string("$SYS/broker/version"), std::string("starling version ") + kVersion);
    visit(std::string("$SYS/broker/uptime"), std::to_string(now / 1000) + " seconds");
    number("clients/connected", state.clients_connected);
    number("clients/active", state.clients_connected);
    number("clients/disconnected", counters[Count::SessionsAbsent]);
    number("clients/inactive", counters[Count::SessionsAbsent]);
    number("clients/total", state.clients_connected + counters[Count::SessionsAbsent]);
    number("clients/maximum", state.clients_most);
    number("subscriptions/count", counters[Count::Subscriptions]);
    number("shared_subscriptions/count", counters[Count::SubscriptionsShared]);
    number("retained messages/count", state.retained);
    number("messages/received", counters[Count::PacketsReceived]);
    number("bytes/received", counters[Count::BytesReceived]);
    number("bytes/sent", counters[Count::BytesSent]);
    number("publish/messages/received", counters[Count::PublishReceived]);
    number("publish/messages/sent", counters[Count::PublishSent]);
    number("publish/messages/dropped",
           counters[Count::DroppedQueueFull] + counters[Count::DroppedOutboxFull] +
               counters[Count::DroppedTooLarge] + counters[Count::DroppedExpired] +
               counters[Count::DroppedNoMember] + counters[Count::DroppedMemory]);
    for (std::size_t count = 0; count < std::size(kCountNames); ++count)
        number((std::string("counters/") + kCountNames[count]).c_str(),
               counters[static_cast<Count>(count)]);
    for (std::size_t load = 0; load < kLoads.size(); ++load)
        for (std::size_t minutes = 0; minutes < kMinutes.size(); ++minutes)
            visit(std::string("$SYS/broker/load/") + kLoads[load].topic + '/' +
                      std::to_string(kMinutes[minutes]) + "min",
                  decimals(per_minute_[load][minutes]));
}

}  // namespace starling
