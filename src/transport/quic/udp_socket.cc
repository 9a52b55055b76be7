#include "transport/quic/udp_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <netinet/ip.h>
#include <sys/socket.h>
#include <unistd.h>

namespace starling::quic {
namespace {

// Bytes that the kernel keeps for us, either way; it gives as much of it as the machine allows.
constexpr int kKernelBytes = 4 << 20;

std::string failure(const char* what, const Endpoint& endpoint, int code) {
    return endpoint.text() + ": " + what + ": " + std::strerror(code);
}

Result<int> open_socket(SocketAddress& address, bool every_address) {
    constexpr int kType = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int descriptor = ::socket(address.family(), kType, IPPROTO_UDP);
    if (descriptor < 0 && errno == EAFNOSUPPORT && every_address) {
        address = *SocketAddress::parse("0.0.0.0", address.port());
        descriptor = ::socket(address.family(), kType, IPPROTO_UDP);
    }
    if (descriptor < 0) return Error{errno, "socket"};
    return descriptor;
}

// On a socket of both families IPv4 datagrams come with IPv4's marks, so both are asked for.
Result<void> prepare(int descriptor, const SocketAddress& address, bool every_address,
                     bool is_shared) {
    const auto set = [&](int level, int option, int value, const char* text) {
        return set_option(descriptor, level, option, value, text);
    };
    if (is_shared) STARLING_CHECK(set(SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"));
    (void)set(SOL_SOCKET, SO_RCVBUF, kKernelBytes, "SO_RCVBUF");
    (void)set(SOL_SOCKET, SO_SNDBUF, kKernelBytes, "SO_SNDBUF");
    const bool is_v6 = address.family() == AF_INET6;
    if (is_v6) {
        STARLING_CHECK(set(IPPROTO_IPV6, IPV6_V6ONLY, !every_address, "IPV6_V6ONLY"));
        STARLING_CHECK(set(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO"));
        STARLING_CHECK(set(IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS"));
        STARLING_CHECK(set(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE, "IPV6_MTU"));
    }
    if (!is_v6 || every_address) {
        STARLING_CHECK(set(IPPROTO_IP, IP_RECVTOS, 1, "IP_RECVTOS"));
        STARLING_CHECK(set(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, "IP_MTU_DISCOVER"));
    }
    if (!is_v6) STARLING_CHECK(set(IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO"));
    if (::bind(descriptor, address.data(), address.size()) != 0) return Error{errno, "bind"};
    return {};
}

bool is_mapped_v4(const SocketAddress& address) {
    return address.family() == AF_INET6 &&
           IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr);
}

// Appends control data; `header.msg_controllen` says how much there is already.
template <typename T>
void append_control(msghdr& header, int level, int type, const T& value) {
    auto* at = reinterpret_cast<cmsghdr*>(static_cast<std::byte*>(header.msg_control) +
                                          header.msg_controllen);
    at->cmsg_level = level;
    at->cmsg_type = type;
    at->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(at), &value, sizeof value);
    header.msg_controllen += CMSG_SPACE(sizeof value);
}

template <typename T>
T control_value(const cmsghdr* control) {
    T value{};
    std::memcpy(&value, CMSG_DATA(control), sizeof value);
    return value;
}

}  // namespace

Result<std::unique_ptr<UdpSocket>, std::string> UdpSocket::open(const Endpoint& endpoint,
                                                                CoreId cores) {
    const bool every_address = endpoint.host.empty();
    auto address = SocketAddress::parse(every_address ? "::" : endpoint.host, endpoint.port);
    if (!address) return endpoint.text() + ": not a numeric address";
    const auto descriptor = open_socket(*address, every_address);
    if (!descriptor) return failure(descriptor.error().text, endpoint, descriptor.error().code);
    std::unique_ptr<UdpSocket> socket(new UdpSocket(*descriptor));
    if (const auto ready = prepare(*descriptor, *address, every_address, cores > 1); !ready)
        return failure(ready.error().text, endpoint, ready.error().code);
    socket->address_ = *SocketAddress::of_socket(*descriptor);
    socket->is_everywhere_ = every_address;
    return socket;
}

UdpSocket::UdpSocket(int descriptor)
    : descriptor_(descriptor),
      in_(kBatch),
      out_(kBatch),
      in_headers_(kBatch),
      out_headers_(kBatch) {}

UdpSocket::~UdpSocket() { ::close(descriptor_); }

// What steer() in connection_id.cc says, for the kernel. A load beyond the datagram's end answers
// 0; an answer beyond the group makes the kernel spread by address instead.
Result<void> UdpSocket::steer_by_connection_id(CoreId cores) {
    sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80, 0, 2),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6), BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1), BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, cores),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    const sock_fprog program{.len = std::size(steps), .filter = steps};
    if (::setsockopt(descriptor_, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) !=
        0)
        return Error{errno, "SO_ATTACH_REUSEPORT_CBPF"};
    return {};
}

std::size_t UdpSocket::receive_batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
        Slot& slot = in_[i];
        slot.piece = {slot.bytes.data(), slot.bytes.size()};
        in_headers_[i].msg_hdr = {.msg_name = &slot.remote,
                                  .msg_namelen = sizeof slot.remote,
                                  .msg_iov = &slot.piece,
                                  .msg_iovlen = 1,
                                  .msg_control = slot.control.data(),
                                  .msg_controllen = slot.control.size(),
                                  .msg_flags = 0};
    }
    // An error of an earlier datagram of ours is reported here too; it says nothing about these.
    const int got = ::recvmmsg(descriptor_, in_headers_.data(), kBatch, MSG_DONTWAIT, nullptr);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

Datagram UdpSocket::datagram(std::size_t index) const {
    const Slot& slot = in_[index];
    msghdr header = in_headers_[index].msg_hdr;
    Datagram datagram{
        .bytes = Bytes(slot.bytes).first(in_headers_[index].msg_len),
        .path = {address_, SocketAddress::copy(reinterpret_cast<const sockaddr*>(&slot.remote),
                                               header.msg_namelen)}};
    // What was cut off is no datagram of a peer that keeps to our limit.
    if ((header.msg_flags & MSG_TRUNC) != 0) datagram.bytes = {};
    for (cmsghdr* at = CMSG_FIRSTHDR(&header); at; at = CMSG_NXTHDR(&header, at)) {
        sockaddr* local = datagram.path.local.data();
        if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_TOS)
            datagram.ecn = control_value<std::uint8_t>(at) & 3;
        else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_TCLASS)
            datagram.ecn = static_cast<std::uint8_t>(control_value<int>(at) & 3);
        else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO)
            reinterpret_cast<sockaddr_in*>(local)->sin_addr =
                control_value<in_pktinfo>(at).ipi_addr;
        else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO)
            reinterpret_cast<sockaddr_in6*>(local)->sin6_addr =
                control_value<in6_pktinfo>(at).ipi6_addr;
    }
    return datagram;
}

MutableBytes UdpSocket::room() {
    if (waiting_ == kBatch) flush();
    return MutableBytes(out_[waiting_].bytes).first(kDatagramBytes);
}

void UdpSocket::send(std::size_t size, const Path& path, std::uint8_t ecn) {
    Slot& slot = out_[waiting_];
    std::memcpy(&slot.remote, path.remote.data(), path.remote.size());
    slot.piece = {slot.bytes.data(), size};
    msghdr& header = out_headers_[waiting_].msg_hdr;
    header = {.msg_name = &slot.remote,
              .msg_namelen = path.remote.size(),
              .msg_iov = &slot.piece,
              .msg_iovlen = 1,
              .msg_control = slot.control.data(),
              .msg_controllen = 0,
              .msg_flags = 0};
    put_control(header, path, ecn);
    ++waiting_;
}

void UdpSocket::put_control(msghdr& header, const Path& path, std::uint8_t ecn) const {
    const bool is_v6 = path.local.family() == AF_INET6;
    if (ecn != 0) {
        const int mark = ecn;
        if (is_v6 && !is_mapped_v4(path.remote))
            append_control(header, IPPROTO_IPV6, IPV6_TCLASS, mark);
        else append_control(header, IPPROTO_IP, IP_TOS, mark);
    }
    if (!is_everywhere_) return;
    if (is_v6) {
        in6_pktinfo from{};
        from.ipi6_addr = reinterpret_cast<const sockaddr_in6*>(path.local.data())->sin6_addr;
        append_control(header, IPPROTO_IPV6, IPV6_PKTINFO, from);
    } else {
        in_pktinfo from{};
        from.ipi_spec_dst = reinterpret_cast<const sockaddr_in*>(path.local.data())->sin_addr;
        append_control(header, IPPROTO_IP, IP_PKTINFO, from);
    }
}

// A full kernel loses datagrams as a full network does; one that cannot be sent at all is left out.
void UdpSocket::flush() {
    std::size_t done = 0;
    while (done < waiting_) {
        const int sent = ::sendmmsg(descriptor_, &out_headers_[done],
                                    static_cast<unsigned>(waiting_ - done), MSG_DONTWAIT);
        if (sent > 0) {
            done += static_cast<std::size_t>(sent);
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            dropped_ += waiting_ - done;
            break;
        } else {
            ++dropped_;
            ++done;
        }
    }
    waiting_ = 0;
}

}  // namespace starling::quic
