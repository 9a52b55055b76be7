// Datagrams, apart from how they travel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>

#include "base/bytes.h"
#include "base/handle.h"
#include "transport/socket.h"

namespace starling::quic {

// Nanoseconds of a monotonic clock. Time comes in with every call: a test's clock jumps when told.
using TimeNs = std::uint64_t;

inline constexpr TimeNs kNeverNs = ~TimeNs{0};
inline constexpr TimeNs kMillisecond = 1'000'000;
inline constexpr TimeNs kSecond = 1'000 * kMillisecond;

// Clocks begin here, so that no time looks like an address: WindowCache tells pointers by their
// value, and a machine that has been up for 38 hours counts nanoseconds in the range of mmap().
inline constexpr TimeNs kTimeStart = TimeNs{1} << 62;

// Bytes of the largest datagram that we send. Receiving takes any.
inline constexpr std::size_t kDatagramBytes = 1452;

// A SocketAddress in 20 bytes instead of 132, for what a million connections keep. Plain data.
class CompactAddress {
public:
    CompactAddress() = default;
    explicit CompactAddress(const SocketAddress& address)
        : port_(address.port()),
          is_v6_(address.family() == AF_INET6) {
        if (is_v6_) std::memcpy(&host_, &v6(address).sin6_addr, 16);
        else std::memcpy(&host_, &v4(address).sin_addr, 4);
    }

    SocketAddress expand() const {
        sockaddr_in6 long_form{};
        sockaddr_in short_form{};
        long_form.sin6_family = AF_INET6;
        short_form.sin_family = AF_INET;
        long_form.sin6_port = short_form.sin_port = htons(port_);
        std::memcpy(&long_form.sin6_addr, &host_, 16);
        std::memcpy(&short_form.sin_addr, &host_, 4);
        return is_v6_
                   ? SocketAddress::copy(reinterpret_cast<sockaddr*>(&long_form), sizeof long_form)
                   : SocketAddress::copy(reinterpret_cast<sockaddr*>(&short_form),
                                         sizeof short_form);
    }

private:
    static const sockaddr_in6& v6(const SocketAddress& address) {
        return *reinterpret_cast<const sockaddr_in6*>(address.data());
    }
    static const sockaddr_in& v4(const SocketAddress& address) {
        return *reinterpret_cast<const sockaddr_in*>(address.data());
    }

    std::array<std::byte, 16> host_{};
    std::uint16_t port_ = 0;
    bool is_v6_ = false;
};

// The two ends of a datagram's way. Plain data.
struct Path {
    SocketAddress local;
    SocketAddress remote;
};

// One that arrived. `ecn` is the two bits of explicit congestion notification. Plain data.
struct Datagram {
    Bytes bytes;
    Path path;
    std::uint8_t ecn = 0;
};

// A Datagram that keeps its bytes. Plain data.
struct Letter {
    explicit Letter(const Datagram& from)
        : bytes(from.bytes.begin(), from.bytes.end()),
          path(from.path),
          ecn(from.ecn) {}
    Datagram view() const { return {bytes, path, ecn}; }

    ByteVector bytes;
    Path path;
    std::uint8_t ecn;
};

// Where datagrams go: a socket, or a test's network. Owner: one core.
class DatagramSender {
public:
    virtual ~DatagramSender() = default;

    // Room for the next datagram, kDatagramBytes at least: good until the next call.
    virtual MutableBytes room() = 0;

    // Sends the first `size` bytes of the room. What the network does not take is lost, as in it.
    // Datagrams of a `connection` that follow each other may go as one burst.
    virtual void send(std::size_t size, const Path& path, std::uint8_t ecn, Handle connection) = 0;
};

}  // namespace starling::quic
