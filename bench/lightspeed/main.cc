// lightspeed: the yardstick. See bench/README.md.
#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>

#include "bench/lightspeed/loop.h"

namespace starling {
namespace {

constexpr const char* kAbout =
    "The least work that can carry MQTT traffic, as a yardstick for brokers.\n"
    "Forwards each PUBLISH as it came to all that subscribe to exactly its topic. It is no "
    "broker:\n"
    "no session, no retransmission, no wildcard, no retained message. Listens on 127.0.0.1.";

int failed(const char* what) {
    std::fprintf(stderr, "lightspeed: %s: %s\n", what, std::strerror(errno));
    return 1;
}

// Everybody who is accepted inherits that small packets are not held back. Negative: errno says
// why.
int listen_at(std::uint16_t port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return -1;
    return ::listen(listener, 4096) < 0 ? -1 : listener;
}

// Says where it listens, which port 0 leaves to the system.
void announce(int listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("listening on 127.0.0.1:%u\n", unsigned{ntohs(address.sin_port)});
    std::fflush(stdout);
}

// As many connections as the system allows.
void raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(int argc, char** argv) {
    CLI::App app(kAbout, "lightspeed");
    std::uint16_t port = 1880;
    app.add_option("--port", port, "Port to listen on; 0: any that is free")->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 1;
    }
    raise_descriptor_limit();
    const int listener = listen_at(port);
    if (listener < 0) return failed("cannot listen");
    announce(listener);
    Loop(listener).run();
    return failed("cannot go on");
}

}  // namespace
}  // namespace starling

int main(int argc, char** argv) { return starling::run(argc, argv); }
