// Datagrams on their way into a socket, many in a call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <vector>

#include "base/handle.h"
#include "transport/quic/datagram.h"

namespace starling::quic {

// Datagrams of one connection that follow each other, equally large but for the last, are one burst
// for the kernel (UDP_SEGMENT): it goes its way down as one, and is cut where the network wants it.
// Of one connection only, because a burst may arrive as one: all of it is for one core then.
//
// A kernel or device that cuts no bursts is not asked again.
// Owner: its socket.
class SendBatch {
public:
    SendBatch();

    // A socket at every address says from which it sends.
    void tell_source() { tells_source_ = true; }

    bool is_full() const { return datagrams_ == kDatagrams; }

    // Room for the next datagram. REQUIRES: !is_full().
    MutableBytes room() { return bytes_[datagrams_]; }

    // What DatagramSender::send() says.
    void add(std::size_t size, const Path& path, std::uint8_t ecn, Handle connection);

    // Nothing is left afterwards.
    void send(int descriptor);

    // Datagrams that the kernel had no room for, or no way.
    std::uint64_t dropped() const { return dropped_; }

    // Bursts of more than one datagram that it took.
    std::uint64_t bursts() const { return sent_bursts_; }

private:
    static constexpr std::size_t kDatagrams = 64;  // as many segments as any kernel takes
    static constexpr std::size_t kBurstBytes = 65'000;
    static constexpr std::size_t kControlBytes = 128;

    // Datagrams from `first` on, with all that the system's structures point into.
    struct Burst {
        std::size_t first;
        std::size_t count;
        std::size_t bytes;
        std::size_t segment;  // of each but the last
        Handle connection;
        Path path;
        std::uint8_t ecn;
        bool is_open;  // another may follow
        alignas(cmsghdr) std::array<std::byte, kControlBytes> control;
    };

    bool may_join(const Burst& burst, std::size_t size, const Path& path, std::uint8_t ecn,
                  Handle connection) const;
    msghdr header(Burst& burst, std::size_t first, std::size_t count) const;
    void send_singly(int descriptor, Burst& burst);

    std::vector<std::array<std::byte, kDatagramBytes>> bytes_;
    std::vector<iovec> pieces_;
    std::vector<Burst> bursts_;
    std::vector<mmsghdr> headers_;
    std::size_t datagrams_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t sent_bursts_ = 0;
    bool tells_source_ = false;
    bool kernel_cuts_ = true;
};

}  // namespace starling::quic
