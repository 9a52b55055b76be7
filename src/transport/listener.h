// Accepts TCP connections.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "reactor/poller.h"
#include "transport/tcp.h"

namespace starling {

// An address to listen at: "host:port", "[v6]:port", ":port" and "port" (every address), with
// "tcp://" before it or not. After "quic://" the port may be missing.
struct Endpoint {
    enum class Scheme : std::uint8_t { Tcp, Quic };

    std::string host;  // "" is every address, IPv6 and IPv4
    std::uint16_t port = 0;
    Scheme scheme = Scheme::Tcp;

    bool is_quic() const { return scheme == Scheme::Quic; }
    bool is_loopback() const;
    std::string text() const;
};

// Of MQTT over QUIC, where none is given.
inline constexpr std::uint16_t kQuicPort = 14567;

Result<Endpoint, std::string> parse_endpoint(std::string_view text);

// One listening socket of one core: each core has its own under SO_REUSEPORT.
// Owner: one core.
class TcpListener {
public:
    // `endpoint.host` is a numeric address or empty. Port 0 picks a free one; see port().
    static Result<std::unique_ptr<TcpListener>, std::string> open(const Endpoint& endpoint,
                                                                  const TcpOptions& options);
    TcpListener(const TcpListener&) = delete;
    TcpListener& operator=(const TcpListener&) = delete;
    ~TcpListener();

    Result<void> attach(Poller& poller, std::uint64_t token);
    std::uint16_t port() const { return port_; }

    enum class Accepted : std::uint8_t {
        Stream,     // one more
        None,       // nobody waits
        Exhausted,  // no descriptor or memory is left: try again later, without being told
    };

    // Takes one waiting connection.
    Accepted accept(std::unique_ptr<Stream>& stream);

private:
    TcpListener(int descriptor, std::uint16_t port) : descriptor_(descriptor), port_(port) {}

    int descriptor_;
    std::uint16_t port_;
    Poller* poller_ = nullptr;
};

}  // namespace starling
