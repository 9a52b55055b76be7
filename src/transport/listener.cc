#include "transport/listener.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "transport/socket.h"

namespace starling {
namespace {

// Attempts of one accept() while connections fail before they are taken.
constexpr int kAcceptTries = 16;

bool is_exhausted(int code) {
    return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

std::string failure(const char* what, const Endpoint& endpoint, int code) {
    return endpoint.text() + ": " + what + ": " + std::strerror(code);
}

// Every address of both families, or of IPv4 alone where the machine has no other.
Result<int> open_socket(SocketAddress& address, bool every_address) {
    constexpr int kType = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int descriptor = ::socket(address.family(), kType, IPPROTO_TCP);
    if (descriptor < 0 && errno == EAFNOSUPPORT && every_address) {
        address = *SocketAddress::parse("0.0.0.0", address.port());
        descriptor = ::socket(address.family(), kType, IPPROTO_TCP);
    }
    if (descriptor < 0) return Error{errno, "socket"};
    return descriptor;
}

Result<void> start(int descriptor, const SocketAddress& address, bool every_address,
                   const TcpOptions& options) {
    STARLING_CHECK(set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
    STARLING_CHECK(set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"));
    if (address.family() == AF_INET6)
        STARLING_CHECK(
            set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, !every_address, "IPV6_V6ONLY"));
    STARLING_CHECK(set_options(descriptor, options));
    if (::bind(descriptor, address.data(), address.size()) != 0) return Error{errno, "bind"};
    if (::listen(descriptor, options.backlog) != 0) return Error{errno, "listen"};
    return {};
}

// `text` up to `end`.
Result<Endpoint::Scheme, std::string> parse_scheme(std::string_view text, std::size_t end) {
    const std::string_view name = text.substr(0, end);
    if (name == "tcp") return Endpoint::Scheme::Tcp;
    if (name == "quic") return Endpoint::Scheme::Quic;
    return "'" + std::string(text) + "': no such scheme as '" + std::string(name) +
           "'; there are tcp:// and quic://";
}

struct HostAndPort {
    std::string_view host;
    std::string_view port;
};

HostAndPort split(std::string_view place, bool is_quic) {
    static const std::string kDefault = std::to_string(kQuicPort);
    const std::size_t colon = place.rfind(':');
    const bool is_number = place.find_first_not_of("0123456789") == place.npos;
    const bool is_host =
        place.empty() || place.back() == ']' || (colon == place.npos && !is_number);
    if (is_quic && is_host) return {place, kDefault};
    if (colon == place.npos) return {"", place};
    return {place.substr(0, colon), place.substr(colon + 1)};
}

}  // namespace

Result<std::unique_ptr<TcpListener>, std::string> TcpListener::open(const Endpoint& endpoint,
                                                                    const TcpOptions& options) {
    const bool every_address = endpoint.host.empty();
    auto address = SocketAddress::parse(every_address ? "::" : endpoint.host, endpoint.port);
    if (!address) return endpoint.text() + ": not a numeric address";

    const auto descriptor = open_socket(*address, every_address);
    if (!descriptor) return failure(descriptor.error().text, endpoint, descriptor.error().code);
    std::unique_ptr<TcpListener> listener(new TcpListener(*descriptor, endpoint.port));
    if (const auto started = start(*descriptor, *address, every_address, options); !started)
        return failure(started.error().text, endpoint, started.error().code);
    listener->port_ = SocketAddress::of_socket(*descriptor)->port();
    return listener;
}

TcpListener::~TcpListener() {
    if (poller_) poller_->remove(descriptor_);
    ::close(descriptor_);
}

Result<void> TcpListener::attach(Poller& poller, std::uint64_t token) {
    STARLING_CHECK(poller.add(descriptor_, token));
    poller_ = &poller;
    return {};
}

TcpListener::Accepted TcpListener::accept(std::unique_ptr<Stream>& stream) {
    for (int tries = 0; tries < kAcceptTries; ++tries) {
        const int descriptor =
            ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            stream = std::make_unique<TcpStream>(descriptor);
            return Accepted::Stream;
        }
        if (errno == EAGAIN) return Accepted::None;
        if (is_exhausted(errno)) return Accepted::Exhausted;
        // Anything else is one connection that failed while it waited; the next may be well.
    }
    return Accepted::Exhausted;
}

bool Endpoint::is_loopback() const {
    const auto address = SocketAddress::parse(host, port);
    return address && address->is_loopback();
}

std::string Endpoint::text() const {
    const bool is_v6 = host.find(':') != host.npos;
    return (is_quic() ? "quic://" : "") + (is_v6 ? '[' + host + ']' : host) + ':' +
           std::to_string(port);
}

Result<Endpoint, std::string> parse_endpoint(std::string_view text) {
    Endpoint endpoint;
    std::string_view place = text;
    if (const std::size_t end = text.find("://"); end != text.npos) {
        STARLING_SET(endpoint.scheme, parse_scheme(text, end));
        place.remove_prefix(end + 3);
    }
    const auto wrong = [&](const char* why) { return "'" + std::string(text) + "': " + why; };

    auto [host, port] = split(place, endpoint.is_quic());
    const bool in_brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (in_brackets) host = host.substr(1, host.size() - 2);
    else if (host.find_first_of(":[]") != host.npos)
        return wrong("an IPv6 address goes in brackets, as in [::1]:1883");

    endpoint.host = std::string(host);
    const char* end = port.data() + port.size();
    const auto [stop, error] = std::from_chars(port.data(), end, endpoint.port);
    if (error != std::errc{} || stop != end)
        return wrong("the port is a number up to 65535, as in 127.0.0.1:1883");
    return endpoint;
}

}  // namespace starling
