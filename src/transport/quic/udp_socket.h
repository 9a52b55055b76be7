// A UDP socket: datagrams in batches, each with its way and its congestion marks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/handle.h"
#include "base/result.h"
#include "transport/listener.h"
#include "transport/quic/datagram.h"
#include "transport/quic/receive_batch.h"
#include "transport/quic/send_batch.h"

namespace starling::quic {

// One socket of one core. Every core of a server opens its own at the same address, in the order of
// the cores; the kernel then brings each datagram to the core that its connection id names.
//
// At every address ("" as host) it answers from the one that was asked, whichever that was.
// Owner: one core.
class UdpSocket final : public DatagramSender {
public:
    // `endpoint.host` is a numeric address or empty. Port 0 picks a free one; see address().
    static Result<std::unique_ptr<UdpSocket>, std::string> open(const Endpoint& endpoint,
                                                                CoreId cores);
    UdpSocket(const UdpSocket&) = delete;
    UdpSocket& operator=(const UdpSocket&) = delete;
    ~UdpSocket() override;

    // Has the kernel steer for all sockets of this address. Once for the group is enough.
    Result<void> steer_by_connection_id(CoreId cores);

    int descriptor() const { return descriptor_; }
    const SocketAddress& address() const { return address_; }

    // Takes one batch and calls visit(datagram) for each. False when that was all there is.
    template <typename Visit>
    bool receive(Visit visit) {
        return in_.receive(descriptor_, address_, visit);
    }

    // Datagrams go out when a batch of them is there, or at flush().
    MutableBytes room() override {
        if (out_.is_full()) flush();
        return out_.room();
    }
    void send(std::size_t size, const Path& path, std::uint8_t ecn, Handle connection) override {
        out_.add(size, path, ecn, connection);
    }
    void flush() { out_.send(descriptor_); }

    const SendBatch& out() const { return out_; }

private:
    explicit UdpSocket(int descriptor) : descriptor_(descriptor) {}

    int descriptor_;
    SocketAddress address_;
    ReceiveBatch in_;
    SendBatch out_;
};

}  // namespace starling::quic
