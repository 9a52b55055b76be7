#include "transport/quic/receive_batch.h"

#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "transport/quic/control_data.h"

namespace starling::quic {

ReceiveBatch::ReceiveBatch()
    : bytes_(std::make_unique_for_overwrite<std::byte[]>(kSlots * kStride)),
      slots_(kSlots),
      headers_(kSlots) {}

std::size_t ReceiveBatch::take(int descriptor) {
    for (std::size_t i = 0; i < kSlots; ++i) {
        Slot& slot = slots_[i];
        slot.piece = {&bytes_[i * kStride], kSlotBytes};
        headers_[i].msg_hdr = {.msg_name = &slot.remote,
                               .msg_namelen = sizeof slot.remote,
                               .msg_iov = &slot.piece,
                               .msg_iovlen = 1,
                               .msg_control = slot.control.data(),
                               .msg_controllen = slot.control.size(),
                               .msg_flags = 0};
    }
    // An error of an earlier datagram of ours is reported here too; it says nothing about these.
    const int got = ::recvmmsg(descriptor, headers_.data(), kSlots, MSG_DONTWAIT, nullptr);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

Datagram ReceiveBatch::content(std::size_t slot, const SocketAddress& local,
                               std::size_t& segment) const {
    msghdr header = headers_[slot].msg_hdr;
    const auto* remote = reinterpret_cast<const sockaddr*>(&slots_[slot].remote);
    Datagram datagram{.bytes = Bytes(&bytes_[slot * kStride], headers_[slot].msg_len),
                      .path = {local, SocketAddress::copy(remote, header.msg_namelen)}};
    segment = kSlotBytes;
    sockaddr* const to = datagram.path.local.data();
    for (cmsghdr* at = CMSG_FIRSTHDR(&header); at; at = CMSG_NXTHDR(&header, at)) {
        if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_TOS)
            datagram.ecn = control_value<std::uint8_t>(at) & 3;
        else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_TCLASS)
            datagram.ecn = static_cast<std::uint8_t>(control_value<int>(at) & 3);
        else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO)
            reinterpret_cast<sockaddr_in*>(to)->sin_addr = control_value<in_pktinfo>(at).ipi_addr;
        else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO)
            reinterpret_cast<sockaddr_in6*>(to)->sin6_addr =
                control_value<in6_pktinfo>(at).ipi6_addr;
        else if (at->cmsg_level == IPPROTO_UDP && at->cmsg_type == UDP_GRO)
            segment = static_cast<std::size_t>(std::max(1, control_value<int>(at)));
    }
    return datagram;
}

}  // namespace starling::quic
