#include "transport/quic/stream.h"

namespace starling::quic {

QuicStream::~QuicStream() {
    detach();
    QuicConnection::drop(state_);
}

Result<void> QuicStream::attach(Poller&, std::uint64_t token) {
    endpoint_.attach(state_, token);
    return {};
}

void QuicStream::detach() { endpoint_.detach(state_); }

Result<Stream::ReadAnswer> QuicStream::read(MutableBytes into) {
    const auto answer = QuicConnection::read(state_, into);
    if (!answer) return answer.error();
    return ReadAnswer{answer->bytes, answer->more};
}

Result<std::size_t> QuicStream::write(std::span<const iovec> pieces) {
    return QuicConnection::write(state_, pieces);
}

void QuicStream::finish() { QuicConnection::finish(state_); }

void QuicStream::reset(std::uint32_t code) { QuicConnection::reset(state_, code); }

std::string QuicStream::peer_address() const {
    return state_.connection ? state_.connection->peer().text() : "";
}

}  // namespace starling::quic
