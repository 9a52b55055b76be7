#include "transport/quic/route.h"

#include <array>
#include <cerrno>
#include <netdb.h>
#include <unistd.h>

namespace starling::quic {
namespace {

// A socket that is connected hears of datagrams that nobody took, which a shared one does not. An
// empty one is no packet of QUIC: whoever gets it leaves it alone.
bool is_refused(int descriptor) {
    std::byte nothing{};
    (void)::send(descriptor, &nothing, 0, MSG_DONTWAIT);
    return ::recv(descriptor, &nothing, 1, MSG_DONTWAIT) < 0 && errno == ECONNREFUSED;
}

Result<std::string> look(int descriptor, const SocketAddress& remote) {
    if (::connect(descriptor, remote.data(), remote.size()) != 0) return Error{errno, "connect"};
    if (remote.is_loopback() && is_refused(descriptor)) return Error{ECONNREFUSED, "connect"};
    const auto local = SocketAddress::of_socket(descriptor);
    std::array<char, NI_MAXHOST> text{};
    if (!local || ::getnameinfo(local->data(), local->size(), text.data(), text.size(), nullptr, 0,
                                NI_NUMERICHOST) != 0)
        return Error{EADDRNOTAVAIL, "connect"};
    return std::string(text.data());
}

}  // namespace

Result<std::string> source_to(const SocketAddress& remote) {
    const int descriptor =
        ::socket(remote.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (descriptor < 0) return Error{errno, "socket"};
    auto answer = look(descriptor, remote);
    ::close(descriptor);
    return answer;
}

}  // namespace starling::quic
