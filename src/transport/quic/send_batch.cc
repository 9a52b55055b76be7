#include "transport/quic/send_batch.h"

#include <cerrno>
#include <cstring>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "transport/quic/control_data.h"

namespace starling::quic {
namespace {

bool is_same(const SocketAddress& one, const SocketAddress& other) {
    return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size()) == 0;
}

bool is_mapped_v4(const SocketAddress& address) {
    return address.family() == AF_INET6 &&
           IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr);
}

void put_mark(msghdr& header, const Path& path, std::uint8_t ecn) {
    const int mark = ecn;
    if (path.local.family() == AF_INET6 && !is_mapped_v4(path.remote))
        append_control(header, IPPROTO_IPV6, IPV6_TCLASS, mark);
    else append_control(header, IPPROTO_IP, IP_TOS, mark);
}

void put_source(msghdr& header, const SocketAddress& local) {
    if (local.family() == AF_INET6) {
        in6_pktinfo from{};
        from.ipi6_addr = reinterpret_cast<const sockaddr_in6*>(local.data())->sin6_addr;
        append_control(header, IPPROTO_IPV6, IPV6_PKTINFO, from);
    } else {
        in_pktinfo from{};
        from.ipi_spec_dst = reinterpret_cast<const sockaddr_in*>(local.data())->sin_addr;
        append_control(header, IPPROTO_IP, IP_PKTINFO, from);
    }
}

// What says that the kernel, or the device that it leads to, cuts no bursts.
bool means_uncut(int error) {
    return error == EIO || error == EINVAL || error == EOPNOTSUPP || error == ENOPROTOOPT;
}

}  // namespace

SendBatch::SendBatch() : bytes_(kDatagrams), pieces_(kDatagrams), headers_(kDatagrams) {
    bursts_.reserve(kDatagrams);
}

void SendBatch::add(std::size_t size, const Path& path, std::uint8_t ecn, Handle connection) {
    pieces_[datagrams_] = {bytes_[datagrams_].data(), size};
    if (bursts_.empty() || !may_join(bursts_.back(), size, path, ecn, connection))
        bursts_.push_back({.first = datagrams_,
                           .count = 0,
                           .bytes = 0,
                           .segment = size,
                           .connection = connection,
                           .path = path,
                           .ecn = ecn,
                           .is_open = static_cast<bool>(connection),
                           .control = {}});
    Burst& burst = bursts_.back();
    ++burst.count;
    burst.bytes += size;
    burst.is_open = burst.is_open && size == burst.segment;
    ++datagrams_;
}

bool SendBatch::may_join(const Burst& burst, std::size_t size, const Path& path, std::uint8_t ecn,
                         Handle connection) const {
    return kernel_cuts_ && burst.is_open && burst.connection == connection &&
           size <= burst.segment && burst.bytes + size <= kBurstBytes && burst.ecn == ecn &&
           is_same(burst.path.remote, path.remote) && is_same(burst.path.local, path.local);
}

// A full kernel loses datagrams as a full network does; one that cannot be sent at all is left out.
void SendBatch::send(int descriptor) {
    const std::size_t all = bursts_.size();
    for (std::size_t i = 0; i < all; ++i)
        headers_[i].msg_hdr = header(bursts_[i], bursts_[i].first, bursts_[i].count);
    std::size_t done = 0;
    while (done < all) {
        const int sent = ::sendmmsg(descriptor, &headers_[done], static_cast<unsigned>(all - done),
                                    MSG_DONTWAIT);
        const int error = sent > 0 ? 0 : errno;
        for (const std::size_t end = done + static_cast<std::size_t>(std::max(sent, 0)); done < end;
             ++done)
            sent_bursts_ += bursts_[done].count > 1;
        if (error == 0) continue;
        Burst& burst = bursts_[done];
        if (error == EAGAIN || error == ENOBUFS) break;
        kernel_cuts_ = kernel_cuts_ && !means_uncut(error);
        if (burst.count > 1) send_singly(descriptor, burst);
        else ++dropped_;
        ++done;
    }
    if (done < all) dropped_ += datagrams_ - bursts_[done].first;
    bursts_.clear();
    datagrams_ = 0;
}

void SendBatch::send_singly(int descriptor, Burst& burst) {
    for (std::size_t i = 0; i < burst.count; ++i) {
        const msghdr one = header(burst, burst.first + i, 1);
        if (::sendmsg(descriptor, &one, MSG_DONTWAIT) < 0) ++dropped_;
    }
}

msghdr SendBatch::header(Burst& burst, std::size_t first, std::size_t count) const {
    msghdr header{.msg_name = burst.path.remote.data(),
                  .msg_namelen = burst.path.remote.size(),
                  .msg_iov = const_cast<iovec*>(&pieces_[first]),
                  .msg_iovlen = count,
                  .msg_control = burst.control.data(),
                  .msg_controllen = 0,
                  .msg_flags = 0};
    if (burst.ecn != 0) put_mark(header, burst.path, burst.ecn);
    if (tells_source_) put_source(header, burst.path.local);
    if (count > 1)
        append_control(header, IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(burst.segment));
    return header;
}

}  // namespace starling::quic
