#include "transport/socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <string_view>

namespace starling {
namespace {

const sockaddr_in& v4(const sockaddr_storage& storage) {
    return reinterpret_cast<const sockaddr_in&>(storage);
}

const sockaddr_in6& v6(const sockaddr_storage& storage) {
    return reinterpret_cast<const sockaddr_in6&>(storage);
}

constexpr std::string_view kMappedPrefix = "::ffff:";

}  // namespace

std::optional<SocketAddress> SocketAddress::parse(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return {};

    SocketAddress address;
    std::memcpy(&address.storage_, found->ai_addr, found->ai_addrlen);
    address.size_ = found->ai_addrlen;
    ::freeaddrinfo(found);
    return address;
}

SocketAddress SocketAddress::copy(const sockaddr* address, socklen_t size) {
    SocketAddress copied;
    copied.size_ = size;
    std::memcpy(&copied.storage_, address, size);
    return copied;
}

std::optional<SocketAddress> SocketAddress::of_socket(int descriptor) {
    return ask(::getsockname, descriptor);
}

std::optional<SocketAddress> SocketAddress::of_peer(int descriptor) {
    return ask(::getpeername, descriptor);
}

std::optional<SocketAddress> SocketAddress::ask(Ask question, int descriptor) {
    SocketAddress address;
    auto* storage = reinterpret_cast<sockaddr*>(&address.storage_);
    if (question(descriptor, storage, &address.size_) != 0) return {};
    return address;
}

std::uint16_t SocketAddress::port() const {
    return ntohs(family() == AF_INET6 ? v6(storage_).sin6_port : v4(storage_).sin_port);
}

bool SocketAddress::is_loopback() const {
    if (family() == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&v6(storage_).sin6_addr);
    return ntohl(v4(storage_).sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

std::string SocketAddress::text() const {
    std::array<char, NI_MAXHOST> buffer{};
    if (::getnameinfo(data(), size_, buffer.data(), buffer.size(), nullptr, 0, NI_NUMERICHOST) != 0)
        return "";
    std::string host = buffer.data();
    if (host.starts_with(kMappedPrefix)) host.erase(0, kMappedPrefix.size());
    const bool is_v6 = host.find(':') != host.npos;
    return (is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(port());
}

Result<void> set_option(int descriptor, int level, int option, int value, const char* text) {
    if (::setsockopt(descriptor, level, option, &value, sizeof value) != 0)
        return Error{errno, text};
    return {};
}

}  // namespace starling
