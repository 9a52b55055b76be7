// QUIC streams as streams.
#pragma once

#include "transport/quic/endpoint.h"
#include "transport/stream.h"

namespace starling::quic {

// One bidirectional stream. Bytes written are copied until they are acknowledged: the library sends
// a lost one again even after the stream was reset, when the writer has long freed them.
// Destroying the first stream of a connection closes that, destroying another ends it alone.
//
// The poller given to attach() is not told anything: reports come out of the endpoint, as part of
// the same wait. See poller.h.
// Owner: one core, the connection's; it never moves.
class QuicStream final : public Stream {
public:
    QuicStream(QuicEndpoint& endpoint, StreamState& state) : endpoint_(endpoint), state_(state) {}
    QuicStream(const QuicStream&) = delete;
    QuicStream& operator=(const QuicStream&) = delete;
    ~QuicStream() override;

    Result<void> attach(Poller& poller, std::uint64_t token) override;
    void detach() override;
    Result<ReadAnswer> read(MutableBytes into) override;
    Result<std::size_t> write(std::span<const iovec> pieces) override;
    void finish() override;
    void reset(std::uint32_t code) override;
    std::string peer_address() const override;

    // 0 is the connection's first, the control stream of MQTT.
    std::int64_t id() const { return state_.id; }

    // Null once the connection has ended.
    QuicConnection* connection() const { return state_.connection; }

private:
    QuicEndpoint& endpoint_;
    StreamState& state_;
};

}  // namespace starling::quic
