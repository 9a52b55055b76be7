#include "bench/lossy_link/network.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <sched.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace starling {
namespace {

constexpr const char* kDevice = "/dev/net/tun";
constexpr const char* kNetwork = "/proc/self/ns/net";
constexpr const char* kDisableIpv6 = "/proc/sys/net/ipv6/conf/default/disable_ipv6";

ifreq request(const char* name) {
    ifreq request{};
    std::strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    return request;
}

// Nobody but those who measure may say anything here. Without IPv6 there is nothing to turn off.
void silence_ipv6() {
    const Descriptor file(::open(kDisableIpv6, O_WRONLY | O_CLOEXEC));
    if (file.number() >= 0 && ::write(file.number(), "1", 1) < 0) return;
}

Result<void> turn_up(int socket, const char* name) {
    ifreq flags = request(name);
    if (::ioctl(socket, SIOCGIFFLAGS, &flags) < 0) return Error{errno, "SIOCGIFFLAGS"};
    flags.ifr_flags = static_cast<short>(flags.ifr_flags | IFF_UP);
    if (::ioctl(socket, SIOCSIFFLAGS, &flags) < 0) return Error{errno, "SIOCSIFFLAGS"};
    return {};
}

Result<void> set_address(int socket, const char* name, unsigned long what,
                         const std::string& text) {
    ifreq change = request(name);
    auto* address = reinterpret_cast<sockaddr_in*>(&change.ifr_addr);
    address->sin_family = AF_INET;
    if (::inet_pton(AF_INET, text.c_str(), &address->sin_addr) != 1)
        return Error{EINVAL, "address"};
    if (::ioctl(socket, what, &change) < 0) return Error{errno, "an address of a device"};
    return {};
}

// In the network that the thread is in.
Result<int> open_device() {
    const int device = ::open(kDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0) return Error{errno, kDevice};
    ifreq wanted = request("link");
    wanted.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (::ioctl(device, TUNSETIFF, &wanted) < 0) {
        const Error error{errno, "TUNSETIFF"};
        ::close(device);
        return error;
    }
    return device;
}

}  // namespace

Result<std::unique_ptr<Network>> Network::make(const std::string& address,
                                               const std::string& peer) {
    if (::unshare(CLONE_NEWNET) < 0) return Error{errno, "a network of one's own"};
    silence_ipv6();
    STARLING_TRY(device, open_device());
    std::unique_ptr<Network> made(new Network(::open(kNetwork, O_RDONLY | O_CLOEXEC), device));
    if (made->descriptor() < 0) return Error{errno, kNetwork};

    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (socket.number() < 0) return Error{errno, "socket"};
    STARLING_CHECK(set_address(socket.number(), "link", SIOCSIFADDR, address));
    STARLING_CHECK(set_address(socket.number(), "link", SIOCSIFDSTADDR, peer));
    STARLING_CHECK(turn_up(socket.number(), "link"));
    STARLING_CHECK(turn_up(socket.number(), "lo"));
    return made;
}

Bytes Network::take(MutableBytes room) {
    const ssize_t got = ::read(device(), room.data(), room.size());
    return room.first(got < 0 ? 0 : static_cast<std::size_t>(got));
}

void Network::bring(Bytes packet) {
    [[maybe_unused]] const ssize_t written = ::write(device(), packet.data(), packet.size());
}

}  // namespace starling
