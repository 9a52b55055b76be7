// What the socket calls want, without their pointers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/socket.h>

#include "base/result.h"

namespace starling {

// An IPv4 or IPv6 address and a port. Owner: a value.
class SocketAddress {
public:
    // None when `host` is not a numeric address.
    static std::optional<SocketAddress> parse(const std::string& host, std::uint16_t port);

    // A copy of what the system filled in. REQUIRES: size <= sizeof(sockaddr_storage).
    static SocketAddress copy(const sockaddr* address, socklen_t size);

    // None when the socket has no such end.
    static std::optional<SocketAddress> of_socket(int descriptor);
    static std::optional<SocketAddress> of_peer(int descriptor);

    const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
    sockaddr* data() { return reinterpret_cast<sockaddr*>(&storage_); }
    socklen_t size() const { return size_; }
    int family() const { return storage_.ss_family; }
    std::uint16_t port() const;
    bool is_loopback() const;

    // "192.0.2.7:1883" or "[2001:db8::1]:1883". An IPv4 address inside an IPv6 one reads as IPv4.
    std::string text() const;

private:
    using Ask = int (*)(int, sockaddr*, socklen_t*);
    static std::optional<SocketAddress> ask(Ask question, int descriptor);

    sockaddr_storage storage_{};
    socklen_t size_ = sizeof storage_;
};

// `text` names the option in the error.
Result<void> set_option(int descriptor, int level, int option, int value, const char* text);

}  // namespace starling
