#include "transport/quic/dialer.h"

#include <cerrno>
#include <utility>

#include "base/random.h"
#include "transport/quic/route.h"
#include "transport/quic/stream.h"

namespace starling::quic {

QuicDialer::QuicDialer(const Setup& setup)
    : poller_(setup.poller),
      options_(setup.options),
      source_(setup.source),
      souvenirs_(setup.souvenirs),
      is_early_(setup.is_early),
      clients_(std::make_unique<QuicClients>(QuicEndpoint::Setup{.options = options_,
                                                                 .keys = keys_,
                                                                 .tls = setup.tls,
                                                                 .sender = sockets_,
                                                                 .seed = secret_u64()})) {
    clients_->on_leave = [this](QuicConnection& connection) { on_leave(connection); };
}

// The last words of what was closed go out with the poller's flush.
QuicDialer::~QuicDialer() {
    for (std::size_t way = 0; way < ways_.size(); ++way) poller_.remove(*clients_);
}

Result<std::unique_ptr<Stream>> QuicDialer::dial(const std::string& address, std::uint16_t port,
                                                 const std::string& server_name) {
    const auto remote = SocketAddress::parse(address, port);
    if (!remote) return Error{EINVAL, "dial"};
    STARLING_TRY(way, way_to(*remote, address));
    // A ticket and a token are good for one connection each: whoever saw two could tell that they
    // are of the same client.
    const auto brought = souvenirs_ ? std::exchange(*souvenirs_, {}) : QuicConnection::Souvenirs{};
    STARLING_TRY(handle, clients_->connect({.path = {ways_[way].socket->address(), *remote},
                                            .server_name = server_name,
                                            .ticket = brought.ticket,
                                            .token = brought.token,
                                            .limits = is_early_ ? Bytes(brought.limits) : Bytes(),
                                            .is_remembered = souvenirs_ != nullptr}));
    if (taken_.size() <= handle.index) taken_.resize(handle.index + 1);
    taken_[handle.index] = way;
    ++ways_[way].connections;
    return std::unique_ptr<Stream>(
        std::make_unique<QuicStream>(*clients_, *clients_->find(handle)->open_stream()));
}

// The system's choice changes with the network, so it is asked each time.
Result<std::uint32_t> QuicDialer::way_to(const SocketAddress& remote, const std::string& address) {
    const auto number = static_cast<std::uint32_t>(ways_.size());
    const std::string chosen = source_ ? source_(address, number) : "";
    std::string from;
    if (chosen.empty()) STARLING_SET(from, source_to(remote));
    const auto fits = [&](const Way& way) {
        return way.connections < kPerSocket && way.to == address && way.from == from;
    };
    if (last_way_ < number && fits(ways_[last_way_])) return last_way_;
    for (std::uint32_t way = 0; way < number; ++way)
        if (fits(ways_[way])) return last_way_ = way;
    STARLING_TRY(socket, open_socket(chosen.empty() ? from : chosen));
    ways_.push_back({.socket = std::move(socket), .to = address, .from = from});
    return last_way_ = number;
}

Result<std::unique_ptr<UdpSocket>> QuicDialer::open_socket(const std::string& source) {
    auto socket = UdpSocket::open({.host = source, .port = 0}, 1);
    if (!socket) return Error{EADDRNOTAVAIL, "bind"};
    STARLING_CHECK(poller_.add(*clients_, **socket));
    sockets_.add(**socket);
    return std::move(*socket);
}

void QuicDialer::on_leave(QuicConnection& connection) {
    --ways_[taken_[connection.self().index]].connections;
    auto brought = connection.take_souvenirs();
    if (souvenirs_ && !brought.ticket.empty()) *souvenirs_ = std::move(brought);
}

}  // namespace starling::quic
