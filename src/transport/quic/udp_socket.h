// A UDP socket: datagrams in batches, each with its way and its congestion marks.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <vector>

#include "base/handle.h"
#include "base/result.h"
#include "transport/listener.h"
#include "transport/quic/datagram.h"

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
        const std::size_t count = receive_batch();
        for (std::size_t i = 0; i < count; ++i) visit(datagram(i));
        return count == kBatch;
    }

    // Datagrams go out when kBatch of them are there, or at flush().
    MutableBytes room() override;
    void send(std::size_t size, const Path& path, std::uint8_t ecn) override;
    void flush();

    // What the kernel had no room for, and lost.
    std::uint64_t dropped() const { return dropped_; }

private:
    static constexpr std::size_t kBatch = 64;
    static constexpr std::size_t kReceiveBytes = 2'048;  // more than any datagram we asked for
    static constexpr std::size_t kControlBytes = 128;

    // A place of a batch, which the system's structures point into.
    struct Slot {
        std::array<std::byte, kReceiveBytes> bytes;
        alignas(cmsghdr) std::array<std::byte, kControlBytes> control;
        sockaddr_storage remote;
        iovec piece;
    };

    explicit UdpSocket(int descriptor);
    std::size_t receive_batch();
    Datagram datagram(std::size_t index) const;
    void put_control(msghdr& header, const Path& path, std::uint8_t ecn) const;

    int descriptor_;
    SocketAddress address_;
    bool is_everywhere_ = false;
    std::vector<Slot> in_, out_;
    std::vector<mmsghdr> in_headers_, out_headers_;
    std::size_t waiting_ = 0;  // to be sent
    std::uint64_t dropped_ = 0;
};

}  // namespace starling::quic
