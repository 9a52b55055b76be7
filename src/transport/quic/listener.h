// Accepts QUIC clients.
#pragma once

#include <memory>
#include <string>

#include "transport/quic/poller.h"
#include "transport/quic/stream.h"

namespace starling::quic {

// One core's server and its socket, as a source of streams.
// Owner: one core; the streams it gave go before it.
class QuicListener {
public:
    struct Setup {
        QuicPoller& poller;        // of the core, made for servers
        std::uint16_t number = 0;  // of the listener: the same on all cores, another for each
    };

    // Port 0 picks a free one; see port(). Every core opens its own at the same address, in the
    // order of the cores: the kernel finds them by it.
    static Result<std::unique_ptr<QuicListener>, std::string> open(const Endpoint& endpoint,
                                                                   const Setup& setup);
    QuicListener(const QuicListener&) = delete;
    QuicListener& operator=(const QuicListener&) = delete;
    ~QuicListener();

    // From now on new clients are reported under `token`.
    Result<void> attach(std::uint64_t token);

    // The first stream of the next client, or null.
    std::unique_ptr<QuicStream> accept();

    std::uint16_t port() const { return socket_->address().port(); }
    QuicServer& server() { return server_; }
    const QuicServer& server() const { return server_; }

private:
    QuicListener(std::unique_ptr<UdpSocket> socket, const Setup& setup);

    std::unique_ptr<UdpSocket> socket_;
    QuicServer server_;
    QuicPoller& poller_;
};

}  // namespace starling::quic
