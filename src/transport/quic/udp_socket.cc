#include "transport/quic/udp_socket.h"

#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
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
    (void)set(IPPROTO_UDP, UDP_GRO, 1, "UDP_GRO");  // where the kernel knows it
    if (::bind(descriptor, address.data(), address.size()) != 0) return Error{errno, "bind"};
    return {};
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
    if (every_address) socket->out_.tell_source();
    return socket;
}

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

}  // namespace starling::quic
