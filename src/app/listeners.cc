#include "app/listeners.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/log.h"
#include "transport/socket.h"

namespace starling {
namespace {

using Outcome = Result<void, std::string>;

// Whether somebody can listen here: 0, or an errno. Asked once without SO_REUSEPORT, under which a
// second broker of the same user would silently take half of the connections.
int bind_failure(const Endpoint& endpoint) {
    const bool every_address = endpoint.host.empty();
    const auto address = SocketAddress::parse(every_address ? "::" : endpoint.host, endpoint.port);
    if (!address) return 0;  // the listener says what is wrong with it
    const int type = endpoint.is_quic() ? SOCK_DGRAM : SOCK_STREAM;
    const int descriptor = ::socket(address->family(), type | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return errno;
    const int reuses = !endpoint.is_quic();  // past connections are TCP's only
    const int v6_only = !every_address;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuses, sizeof reuses);
    ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
    const int failure = ::bind(descriptor, address->data(), address->size()) == 0 ? 0 : errno;
    ::close(descriptor);
    return failure;
}

// One seat at `endpoint`, whose port is known from then on.
Outcome listen_on_tcp(Seat& seat, Endpoint& endpoint, const TcpOptions& options) {
    STARLING_TRY(listener, TcpListener::open(endpoint, options));
    endpoint.port = listener->port();
    if (const auto taken = seat.listen(std::move(listener)); !taken)
        return fmt::format("{}: {}: {}", endpoint.text(), taken.error().text,
                           std::strerror(taken.error().code));
    return {};
}

Outcome listen_on_quic(Seat& seat, Endpoint& endpoint, QuicService& quic, std::uint16_t number) {
    STARLING_TRY(listener, quic::QuicListener::open(
                               endpoint, {.poller = seat.quic_poller(), .number = number}));
    endpoint.port = listener->port();
    quic.figures().add(listener->server().counters());
    if (const auto taken = seat.listen(std::move(listener)); !taken)
        return fmt::format("{}: {}: {}", endpoint.text(), taken.error().text,
                           std::strerror(taken.error().code));
    return {};
}

// Every core listens on a socket of its own; the system spreads what arrives.
// `number` is the place's own.
Result<Endpoint, std::string> listen_at(Seats& seats, Endpoint endpoint, std::uint16_t number,
                                        const Settings& settings, QuicService* quic) {
    if (endpoint.port != 0 && bind_failure(endpoint) == EADDRINUSE)
        return fmt::format("{}: address in use: another program listens there", endpoint.text());
    for (const auto& seat : seats) {
        if (endpoint.is_quic()) {
            STARLING_ASSERT(quic);
            STARLING_CHECK(listen_on_quic(*seat, endpoint, *quic, number));
        } else {
            STARLING_CHECK(listen_on_tcp(*seat, endpoint, settings.options().tcp));
        }
    }
    log_info(fmt::format("listening on {}", endpoint.text()));
    return endpoint;
}

}  // namespace

void explain_access(const Settings& settings) {
    const auto& listen = settings.options().listen;
    if (settings.is_default("listen"))
        log_info(
            "everybody may connect, so only this machine can; open it with --listen :1883 or "
            "listen = [\":1883\"]");
    else if (!std::all_of(listen.begin(), listen.end(), std::mem_fn(&Endpoint::is_loopback)))
        log_warning("everybody who reaches a listener may connect, publish and subscribe");
}

Result<std::vector<Endpoint>, std::string> listen_everywhere(Seats& seats, const Settings& settings,
                                                             QuicService* quic) {
    std::vector<Endpoint> places;
    for (const Endpoint& endpoint : settings.options().listen) {
        const bool is_optional = settings.is_default("listen") && endpoint.host == "::1";
        if (is_optional && bind_failure(endpoint) != 0 && bind_failure(endpoint) != EADDRINUSE) {
            log_info(fmt::format("{}: no IPv6 on this machine's loopback", endpoint.text()));
            continue;
        }
        const auto number = static_cast<std::uint16_t>(places.size());
        STARLING_TRY(place, listen_at(seats, endpoint, number, settings, quic));
        places.push_back(place);
    }
    return places;
}

}  // namespace starling
