// Datagrams taken from a socket, many in a call.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <netinet/in.h>
#include <vector>

#include "transport/quic/datagram.h"

namespace starling::quic {

// Room for what one call takes. Each of its slots holds a datagram or, where the kernel has joined
// some of one way (UDP_GRO), a burst of them, which is cut again here. Room that was never needed
// takes no memory.
//
// What was joined may belong to several connections, and so to several cores.
// Owner: its socket.
class ReceiveBatch {
public:
    ReceiveBatch();

    // Takes what waits at the socket, which is bound to `local`, and calls visit(datagram) for
    // each. False when that was all there is.
    template <typename Visit>
    bool receive(int descriptor, const SocketAddress& local, Visit visit) {
        const std::size_t count = take(descriptor);
        for (std::size_t slot = 0; slot < count; ++slot) {
            std::size_t segment = 0;
            const Datagram burst = content(slot, local, segment);
            Datagram one = burst;
            for (std::size_t at = 0; at == 0 || at < burst.bytes.size(); at += segment) {
                const std::size_t rest = burst.bytes.size() - at;
                one.bytes = burst.bytes.subspan(at, std::min(segment, rest));
                visit(one);
            }
        }
        return count == kSlots;
    }

private:
    static constexpr std::size_t kSlots = 32;
    static constexpr std::size_t kSlotBytes = 1 << 16;  // more than any datagram or burst has
    static constexpr std::size_t kControlBytes = 128;

    // Slots do not begin where the same sets of the processor's caches do.
    static constexpr std::size_t kStride = kSlotBytes + 512;

    struct Slot {
        alignas(cmsghdr) std::array<std::byte, kControlBytes> control;
        sockaddr_storage remote;
        iovec piece;
    };

    std::size_t take(int descriptor);

    // All that came in this slot. `segment` is the size of each datagram in it but the last, which
    // may be smaller; at least 1.
    Datagram content(std::size_t slot, const SocketAddress& local, std::size_t& segment) const;

    std::unique_ptr<std::byte[]> bytes_;
    std::vector<Slot> slots_;
    std::vector<mmsghdr> headers_;
};

}  // namespace starling::quic
