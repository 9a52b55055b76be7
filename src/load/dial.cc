#include "load/dial.h"

#include <fmt/format.h>

#include "transport/tcp.h"

namespace starling {
namespace {

constexpr std::uint32_t kPerAddress = 10'000;

// 127.1.0.1 and up.
std::string source_address(std::uint8_t run, std::uint32_t process, std::uint32_t count) {
    const std::uint32_t block = count / kPerAddress;
    return fmt::format("127.{}.{}.{}", 1 + run % 250, process % 250, 1 + block % 250);
}

}  // namespace

Dial spread_dial(std::uint8_t run, std::uint32_t process) {
    return [=, count = std::uint32_t{0}](const std::string& address,
                                         const ClientOptions& options) mutable {
        if (!address.starts_with("127.")) return tcp_connect(address, options.port);
        return tcp_connect(address, options.port, source_address(run, process, count++));
    };
}

}  // namespace starling
