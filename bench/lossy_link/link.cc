#include "bench/lossy_link/link.h"

#include <algorithm>
#include <ctime>
#include <optional>
#include <poll.h>
#include <unistd.h>

#include "base/time.h"

namespace starling {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

// Packets that a device holds for its reader, by default.
constexpr int kDeviceQueue = 500;

// The upper half of an IPv4 packet's first byte is 4.
bool is_ipv4(Bytes packet) { return std::to_integer<unsigned>(packet[0]) >> 4 == 4; }

// A line, or false for the end.
bool read_line() {
    char byte = 0;
    while (byte != '\n')
        if (::read(STDIN_FILENO, &byte, 1) <= 0) return false;
    return true;
}

}  // namespace

bool Link::run_until_told() {
    while (!wait()) {}
    return read_line();
}

void Link::run_until_empty() {
    while (!is_empty()) wait();
}

bool Link::is_empty() const {
    return std::ranges::all_of(ways_, [](const Way& way) { return way.lane.is_empty(); });
}

// Sleeps until something happens, and does what is to be done. Answers whether standard input has
// something to say.
bool Link::wait() {
    std::optional<std::uint64_t> next_ns;
    for (const Way& way : ways_)
        if (!way.lane.is_empty())
            next_ns = std::min(next_ns.value_or(way.lane.next_ns()), way.lane.next_ns());
    timespec timeout{};
    if (next_ns) {
        const std::uint64_t now_ns = monotonic_ns();
        const std::uint64_t left_ns = *next_ns > now_ns ? *next_ns - now_ns : 0;
        timeout = {.tv_sec = static_cast<time_t>(left_ns / kNsPerSecond),
                   .tv_nsec = static_cast<long>(left_ns % kNsPerSecond)};
    }
    std::array<pollfd, 3> watched{{{.fd = STDIN_FILENO, .events = POLLIN},
                                   {.fd = ways_[0].from.device(), .events = POLLIN},
                                   {.fd = ways_[1].from.device(), .events = POLLIN}}};
    ::ppoll(watched.data(), watched.size(), next_ns ? &timeout : nullptr, nullptr);
    for (Way& way : ways_) take(way);
    for (Way& way : ways_) give(way);
    return watched[0].revents != 0;
}

void Link::take(Way& way) {
    for (int i = 0; i < kDeviceQueue; ++i) {
        const Bytes packet = way.from.take(room_);
        if (packet.empty()) return;
        if (is_ipv4(packet)) way.lane.take(monotonic_ns(), packet);
    }
}

void Link::give(Way& way) {
    const std::uint64_t now_ns = monotonic_ns();
    while (!way.lane.is_empty() && way.lane.next_ns() <= now_ns) {
        latest_ns_ = std::max(latest_ns_, now_ns - way.lane.next_ns());
        way.to.bring(way.lane.give());
    }
}

}  // namespace starling
