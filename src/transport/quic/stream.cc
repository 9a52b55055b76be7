#include "transport/quic/stream.h"

#include <cerrno>

#include "base/assert.h"
#include "transport/quic/ending.h"
#include "transport/quic/poller.h"

namespace starling::quic {

QuicStream::~QuicStream() {
    if (endpoint_) endpoint_->withdraw(state_);
    passage_.reset();  // with what travels in it
    QuicConnection::drop(state_);
}

Result<void> QuicStream::attach(Poller& poller, std::uint64_t token) {
    if (!endpoint_) {
        QuicServer* server = static_cast<QuicPoller&>(poller).server(passage_->listener);
        if (!server) return Error{ENOTCONN, "quic listener"};
        STARLING_CHECK(server->settle(*passage_));
        endpoint_ = server;
        passage_.reset();
    }
    endpoint_->attach(state_, token);
    return {};
}

void QuicStream::detach() {
    if (!endpoint_) return;
    passage_ = endpoint_->detach(state_);
    if (passage_) endpoint_ = nullptr;
}

// With early data it can be here before its handshake is complete, which would have to go along.
bool QuicStream::may_move() const {
    return !state_.connection || !state_.connection->is_handshaking();
}

std::unique_ptr<Stream> QuicStream::accept() {
    if (!endpoint_ || state_.id != 0 || !state_.connection) return nullptr;
    StreamState* next = state_.connection->accept_stream();
    return next ? std::make_unique<QuicStream>(*endpoint_, *next) : nullptr;
}

std::unique_ptr<Stream> QuicStream::open() {
    if (!endpoint_ || state_.id != 0 || !state_.connection) return nullptr;
    StreamState* next = state_.connection->open_stream();
    return next ? std::make_unique<QuicStream>(*endpoint_, *next) : nullptr;
}

Result<Stream::ReadAnswer> QuicStream::read(MutableBytes into) {
    const auto answer = QuicConnection::read(state_, into);
    if (!answer) return answer.error();
    return ReadAnswer{answer->bytes, answer->more};
}

Result<std::size_t> QuicStream::write(std::span<const iovec> pieces) {
    STARLING_ASSERT(endpoint_);
    return QuicConnection::write(state_, pieces);
}

void QuicStream::finish() { QuicConnection::finish(state_); }

void QuicStream::reset(std::uint32_t code) { QuicConnection::reset(state_, code); }

std::size_t QuicStream::excess_bytes() const {
    return state_.connection && state_.id == 0 ? state_.connection->large_bytes() : 0;
}

std::string QuicStream::peer_address() const {
    if (state_.connection) return state_.connection->peer().text();
    return state_.remains ? state_.remains->peer.expand().text() : "";
}

// A stream may end alone, but what became of its connection says more.
std::string QuicStream::ending_text(const Error& error) const {
    if (state_.failure == 0 && state_.remains) return text_of(state_.remains->ending);
    if (state_.failure == 0 && state_.end == StreamEnd::Reset)
        return "stream reset by the peer with code " + std::to_string(state_.reset_code);
    return Stream::ending_text(error);
}

}  // namespace starling::quic
