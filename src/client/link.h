// One network connection of a client: bytes in become packets, packets become bytes out.
#pragma once

#include <functional>
#include <memory>

#include "client/client.h"
#include "mqtt/framer.h"

namespace starling {

// Owns no buffer while nothing is half read or half written. Owner: the client's core.
class ClientLink {
public:
    // Bytes unwritten at which no further message is taken from the queue, nor a packet read.
    static constexpr std::size_t kOutboxBytes = 65'536;

    // Reads of one client in a turn; then the others go first.
    static constexpr int kReadsPerTurn = 4;

    // False ends the reading. `packet` is all of the frame.
    using OnPacket = std::function<Result<bool, Disconnection>(const Frame& frame, Bytes packet)>;

    explicit ClientLink(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}

    Stream& stream() { return *stream_; }

    // Reads into `scratch` and hands over each whole packet. True when more may wait.
    Result<bool, Disconnection> read(MutableBytes scratch, std::uint32_t packet_bytes_max,
                                     const OnPacket& on_packet);

    // Reads for nobody. Fails at the end.
    Result<bool, Disconnection> discard(MutableBytes scratch);

    // Where packets are appended, for the next flush().
    ByteVector& outbox() { return outbox_; }

    Result<void, Disconnection> flush();
    bool is_flushed() const { return outbox_.empty(); }
    bool is_congested() const { return outbox_.size() - written_ >= kOutboxBytes; }

private:
    template <typename Take>
    Result<bool, Disconnection> read_some(MutableBytes scratch, Take take);

    Result<bool, Disconnection> feed(Bytes fresh, std::uint32_t packet_bytes_max,
                                     const OnPacket& on_packet);
    void forget_written(std::size_t count);

    std::unique_ptr<Stream> stream_;
    ByteVector partial_;  // the start of a packet whose rest has yet to arrive
    ByteVector outbox_;
    std::size_t written_ = 0;  // of the outbox
};

// What the server did wrong, as the client that ends its connection for it reports it.
Disconnection violation(const ProtocolError& error);

}  // namespace starling
