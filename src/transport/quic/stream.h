// QUIC streams as streams.
#pragma once

#include "transport/quic/endpoint.h"
#include "transport/stream.h"

namespace starling::quic {

// One bidirectional stream. Bytes written are copied until they are acknowledged: the library sends
// a lost one again even after the stream was reset, when the writer has long freed them.
//
// The first stream stands for its connection. Destroying it closes that: after finish() with code
// 0, as soon as all that was written has been acknowledged, limits::kQuicLingerMs later at most;
// else at once, with code 1. reset() closes it with its own code. Destroying or resetting another
// stream ends that alone.
//
// Detaching the first stream of a server's connection takes all of the connection along, with the
// streams that wait to be accepted; attaching it settles them at the server of the same listener on
// the poller's core. It fails where that has no room, and when the connection could not leave (it
// is closed then, with code 2: see QuicServer::detach). In between, the stream may only be
// destroyed.
//
// The poller given to attach() is told nothing: reports come out of the endpoint, as part of the
// same wait. See poller.h.
// Owner: one core, the connection's.
class QuicStream final : public Stream {
public:
    QuicStream(QuicEndpoint& endpoint, StreamState& state) : endpoint_(&endpoint), state_(state) {}
    QuicStream(const QuicStream&) = delete;
    QuicStream& operator=(const QuicStream&) = delete;
    ~QuicStream() override;

    // REQUIRES: after detach(), a QuicPoller.
    Result<void> attach(Poller& poller, std::uint64_t token) override;
    void detach() override;
    bool may_move() const override;
    std::unique_ptr<Stream> accept() override;
    std::unique_ptr<Stream> open() override;
    Result<ReadAnswer> read(MutableBytes into) override;
    Result<std::size_t> write(std::span<const iovec> pieces) override;
    void finish() override;
    void reset(std::uint32_t code) override;
    bool has_connection() const override { return state_.connection != nullptr; }
    std::size_t excess_bytes() const override;
    std::string peer_address() const override;
    std::string ending_text(const Error& error) const override;

    // 0 is the connection's first, the control stream of MQTT.
    std::int64_t id() const { return state_.id; }

    // Null once the connection has ended.
    QuicConnection* connection() const { return state_.connection; }

private:
    QuicEndpoint* endpoint_;  // null on the way
    StreamState& state_;
    std::unique_ptr<Passage> passage_;
};

}  // namespace starling::quic
