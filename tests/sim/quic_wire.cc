#include "tests/sim/quic_wire.h"

#include <array>
#include <utility>

#include "mqtt/append.h"

namespace starling {

QuicPeers::QuicPeers(const Setup& setup)
    : network_(setup.network),
      path_{setup.own, setup.server},
      tls_(std::move(*quic::TlsContext::client(quic::rig_certificate().certificate,
                                               quic::TlsContext::Trust::Verified))),
      random_(setup.seed),
      clients_({.options = setup.options,
                .keys = keys_,
                .tls = *tls_,
                .sender = setup.sender,
                .seed = setup.seed}) {
    clients_.on_leave = [this](quic::QuicConnection& connection) {
        if (connection.has_ticket()) souvenirs_ = connection.take_souvenirs();
    };
    turn();
}

std::unique_ptr<Wire> QuicPeers::dial() {
    const auto brought =
        random_.below(2) == 0 ? std::exchange(souvenirs_, {}) : quic::QuicConnection::Souvenirs{};
    const auto handle = clients_.connect({.path = path_,
                                          .server_name = "localhost",
                                          .ticket = brought.ticket,
                                          .token = brought.token});
    STARLING_ASSERT(handle);
    quic::StreamState* first = clients_.find(*handle)->open_stream();
    return std::make_unique<QuicWire>(*this, std::make_unique<quic::QuicStream>(clients_, *first));
}

bool QuicPeers::turn() {
    clients_.set_time(network_.now, quic::wall_s(network_.now));
    clients_.expire();
    bool has_moved = false;
    for (QuicWire* wire : wires_) has_moved = wire->turn() || has_moved;
    clients_.flush();
    return has_moved;
}

QuicWire::QuicWire(QuicPeers& peers, std::unique_ptr<quic::QuicStream> stream)
    : peers_(peers),
      stream_(std::move(stream)) {
    peers_.wires_.push_back(this);
}

bool QuicWire::turn() {
    const bool has_written = write();
    return read() || has_written;
}

bool QuicWire::write() {
    if (is_finished_) return false;
    std::size_t taken = 0;
    if (!waiting_.empty()) {
        const iovec piece{waiting_.data(), waiting_.size()};
        const auto written = stream_->write({&piece, 1});
        taken = written ? *written : waiting_.size();  // the broker has gone
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
    }
    is_finished_ = is_cut_ && waiting_.empty();
    if (is_finished_) stream_->finish();
    return taken != 0 || is_finished_;
}

bool QuicWire::read() {
    std::array<std::byte, 4096> piece;
    bool has_read = false;
    while (!is_stalled_ && !is_over_) {
        const auto answer = stream_->read(piece);
        is_over_ = !answer;
        if (answer) append_bytes(received_, Bytes(piece).first(answer->bytes));
        has_read = has_read || is_over_ || answer->bytes != 0;
        if (is_over_ || answer->bytes == 0) break;
    }
    return has_read;
}

void QuicWire::send(Bytes bytes) { append_bytes(waiting_, bytes); }

ByteVector QuicWire::take() { return std::exchange(received_, {}); }

void QuicWire::cut(std::size_t lost) {
    drop_last(waiting_, lost);
    is_cut_ = true;
}

}  // namespace starling
