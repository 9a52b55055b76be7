#include "transport/tcp.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "transport/socket.h"

namespace starling {
namespace {

constexpr std::size_t kPiecesPerCall = IOV_MAX;

std::size_t total(std::span<const iovec> pieces) {
    std::size_t bytes = 0;
    for (const iovec& piece : pieces) bytes += piece.iov_len;
    return bytes;
}

ssize_t send(int descriptor, std::span<const iovec> pieces) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    return ::sendmsg(descriptor, &message, MSG_NOSIGNAL);
}

// The port is left to connect(), which finds one that is free towards this peer; bind() would want
// one that is free towards all.
Result<void> bind_source(int descriptor, const std::string& source) {
    const auto address = SocketAddress::parse(source, 0);
    if (!address) return Error{EINVAL, "not a numeric address"};
    STARLING_CHECK(
        set_option(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, "IP_BIND_ADDRESS_NO_PORT"));
    if (::bind(descriptor, address->data(), address->size()) != 0) return Error{errno, "bind"};
    return {};
}

}  // namespace

TcpStream::~TcpStream() {
    detach();
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> TcpStream::attach(Poller& poller, std::uint64_t token) {
    STARLING_ASSERT(poller_ == nullptr);
    STARLING_CHECK(poller.add(descriptor_, token));
    poller_ = &poller;
    return {};
}

void TcpStream::detach() {
    if (poller_) std::exchange(poller_, nullptr)->remove(descriptor_);
}

Result<Stream::ReadAnswer> TcpStream::read(MutableBytes into) {
    STARLING_ASSERT(!into.empty());
    const ssize_t got = ::recv(descriptor_, into.data(), into.size(), 0);
    if (got == 0) return Error{0, "read"};
    if (got < 0 && errno != EAGAIN) return Error{errno, "read"};
    if (got < 0) return ReadAnswer{};

    const auto bytes = static_cast<std::size_t>(got);
    return ReadAnswer{bytes, bytes == into.size() || end_expected_};
}

Result<std::size_t> TcpStream::write(std::span<const iovec> pieces) {
    std::size_t taken = 0;
    while (!pieces.empty()) {
        const auto chunk = pieces.first(std::min(pieces.size(), kPiecesPerCall));
        const ssize_t sent = send(descriptor_, chunk);
        if (sent < 0 && errno != EAGAIN) return Error{errno, "write"};
        if (sent < 0) break;

        taken += static_cast<std::size_t>(sent);
        if (static_cast<std::size_t>(sent) < total(chunk)) break;
        pieces = pieces.subspan(chunk.size());
    }
    return taken;
}

void TcpStream::finish() { ::shutdown(descriptor_, SHUT_WR); }

// Closing without lingering drops what is unsent and tells the peer so. TCP carries no code.
void TcpStream::reset(std::uint32_t) {
    detach();
    if (descriptor_ < 0) return;
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    ::close(std::exchange(descriptor_, -1));
}

std::string TcpStream::peer_address() const {
    const auto address = SocketAddress::of_peer(descriptor_);
    return address ? address->text() : "";
}

Result<void> set_options(int descriptor, const TcpOptions& options) {
    const auto set = [&](int option, int value, const char* text) {
        return set_option(descriptor, IPPROTO_TCP, option, value, text);
    };
    STARLING_CHECK(set(TCP_NODELAY, 1, "TCP_NODELAY"));
    STARLING_CHECK(set(TCP_USER_TIMEOUT, options.user_timeout_ms, "TCP_USER_TIMEOUT"));
    return set(TCP_NOTSENT_LOWAT, options.notsent_lowat_bytes, "TCP_NOTSENT_LOWAT");
}

Result<std::unique_ptr<Stream>> tcp_connect(const std::string& address, std::uint16_t port,
                                            const std::string& source) {
    const auto peer = SocketAddress::parse(address, port);
    if (!peer) return Error{EINVAL, "not a numeric address"};
    const int descriptor =
        ::socket(peer->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (descriptor < 0) return Error{errno, "socket"};

    std::unique_ptr<Stream> stream = std::make_unique<TcpStream>(descriptor);
    STARLING_CHECK(set_options(descriptor, TcpOptions{}));
    if (!source.empty()) STARLING_CHECK(bind_source(descriptor, source));
    if (::connect(descriptor, peer->data(), peer->size()) != 0 && errno != EINPROGRESS)
        return Error{errno, "connect"};
    return stream;
}

}  // namespace starling
