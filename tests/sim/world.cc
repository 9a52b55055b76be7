#include "tests/sim/world.h"

#include <algorithm>

namespace starling {

void drop_last(ByteVector& bytes, std::size_t count) {
    bytes.erase(bytes.end() - static_cast<std::ptrdiff_t>(std::min(count, bytes.size())),
                bytes.end());
}

std::string leftovers_of(const Commons& commons) {
    std::string all;
    const auto note = [&](const char* what, std::uint64_t count) {
        if (count != 0) all += std::string(" ") + what + ": " + std::to_string(count);
    };
    note("connections", commons.connections.used());
    note("sessions", commons.sessions.used());
    note("retained messages", commons.retained_messages.used());
    note("retained bytes", commons.retained_bytes.used());
    for (const Counters& core : commons.counters) {
        note("absent sessions", core[Count::SessionsAbsent]);
        note("subscriptions", core[Count::Subscriptions]);
        note("shared subscriptions", core[Count::SubscriptionsShared]);
    }
    return all;
}

}  // namespace starling
