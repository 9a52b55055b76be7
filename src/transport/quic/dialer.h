// Opens streams to servers, each over a QUIC connection of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transport/quic/client.h"
#include "transport/quic/poller.h"
#include "transport/quic/socket_group.h"

namespace starling::quic {

// The QUIC clients of one core. A stream is there at once and takes bytes when its handshake is
// done, or before; reading tells why one failed, by an errno or a Fault.
//
// Owner: its core; goes after its streams, before its poller. What is closed by then is said so.
class QuicDialer {
public:
    // Connections that share a socket. One gets a larger piece of the machine: its buffer in the
    // kernel, and the server's core that its address is spread to.
    static constexpr std::uint32_t kPerSocket = 1'000;

    // The numeric address that the socket of this number, from 0, is to come from; "": the system's
    // choice.
    using Source = std::function<std::string(const std::string& address, std::uint32_t socket)>;

    struct Setup {
        QuicPoller& poller;
        const TlsContext& tls;
        QuicOptions options{};
        Source source;

        // What the next connection may begin with, and what each that has ended leaves: for who
        // speaks to one server only. Null: nothing is remembered. Outlives the dialer.
        QuicConnection::Souvenirs* souvenirs = nullptr;

        // With a ticket that permits it, says what it has to say without waiting for the server:
        // somebody who listens may say it again.
        bool is_early = false;
    };
    explicit QuicDialer(const Setup& setup);
    QuicDialer(const QuicDialer&) = delete;
    QuicDialer& operator=(const QuicDialer&) = delete;
    ~QuicDialer();

    // To a numeric address. `server_name` is what the certificate must be for.
    Result<std::unique_ptr<Stream>> dial(const std::string& address, std::uint16_t port,
                                         const std::string& server_name);

    QuicClients& clients() { return *clients_; }

private:
    // A way to servers at one address; it stays.
    struct Way {
        std::unique_ptr<UdpSocket> socket;
        std::string to;
        std::string from;  // as the system chose it; "": as we did
        std::uint32_t connections = 0;
    };
    Result<std::uint32_t> way_to(const SocketAddress& remote, const std::string& address);
    Result<std::unique_ptr<UdpSocket>> open_socket(const std::string& source);
    void on_leave(QuicConnection& connection);

    QuicPoller& poller_;
    QuicOptions options_;
    Source source_;
    QuicConnection::Souvenirs* souvenirs_;
    bool is_early_;
    QuicKeys keys_ = QuicKeys::random();
    std::vector<Way> ways_;
    SocketGroup sockets_;
    std::vector<std::uint32_t> taken_;  // the way of each connection, by its index
    std::uint32_t last_way_ = 0;
    std::unique_ptr<QuicClients> clients_;  // goes first, as it tells of each connection that goes
};

}  // namespace starling::quic
