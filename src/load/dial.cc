#include "load/dial.h"

#include <fmt/format.h>

#include "transport/tcp.h"

namespace starling {
namespace {

constexpr std::uint32_t kPerAddress = 10'000;

// 127.1.0.1 and up. Processes with more blocks than 250 share the addresses of the next ones.
std::string source_address(std::uint8_t run, std::uint32_t process, std::uint32_t block) {
    return fmt::format("127.{}.{}.{}", 1 + run % 250, (process + block / 250) % 250,
                       1 + block % 250);
}

bool is_spread(const std::string& address) { return address.starts_with("127."); }

}  // namespace

Dial spread_dial(std::uint8_t run, std::uint32_t process) {
    return [=, count = std::uint32_t{0}](const std::string& address,
                                         const ClientOptions& options) mutable {
        if (!is_spread(address)) return tcp_connect(address, options.port);
        const std::uint32_t block = count++ / kPerAddress;
        return tcp_connect(address, options.port, source_address(run, process, block));
    };
}

quic::QuicDialer::Source spread_source(std::uint8_t run, std::uint32_t process) {
    return [=](const std::string& address, std::uint32_t socket) {
        return is_spread(address) ? source_address(run, process, socket) : "";
    };
}

}  // namespace starling
