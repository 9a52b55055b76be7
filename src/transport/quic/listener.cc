#include "transport/quic/listener.h"

#include <cstring>

#include "base/random.h"

namespace starling::quic {

Result<std::unique_ptr<QuicListener>, std::string> QuicListener::open(const Endpoint& endpoint,
                                                                      const Setup& setup) {
    const CoreId cores = setup.poller.commons().cores();
    auto socket = UdpSocket::open(endpoint, cores);
    if (!socket) return socket.error();
    const auto fails = [&](const Error& error) {
        return endpoint.text() + ": " + error.text + ": " + std::strerror(error.code);
    };
    if (cores > 1)
        if (const auto steers = (*socket)->steer_by_connection_id(cores); !steers)
            return fails(steers.error());
    std::unique_ptr<QuicListener> listener(new QuicListener(std::move(*socket), setup));
    if (const auto added = setup.poller.add(listener->server_, *listener->socket_); !added)
        return fails(added.error());
    return listener;
}

QuicListener::QuicListener(std::unique_ptr<UdpSocket> socket, const Setup& setup)
    : socket_(std::move(socket)),
      server_({.options = setup.poller.commons().options,
               .keys = setup.poller.commons().keys.get()->keys,
               .tls = setup.poller.commons().tls,
               .sender = *socket_,
               .core = setup.poller.mailroom().core(),
               .cores = setup.poller.commons().cores(),
               .seed = secret_u64(),
               .mailroom = &setup.poller.mailroom(),
               .listener = setup.number,
               .used_tickets = setup.poller.commons().used_tickets()}),
      poller_(setup.poller) {}

QuicListener::~QuicListener() { poller_.remove(server_); }

Result<void> QuicListener::attach(std::uint64_t token) {
    poller_.watch(server_, token);
    return {};
}

std::unique_ptr<QuicStream> QuicListener::accept() {
    StreamState* state = server_.take_stream();
    return state ? std::make_unique<QuicStream>(server_, *state) : nullptr;
}

}  // namespace starling::quic
