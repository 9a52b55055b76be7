// Lets who speaks TCP reach a QUIC server, so that one suite tests both.
//
//     quic_bridge HOST PORT [CAFILE]
//
// Listens on a port of 127.0.0.1, which it prints. Each connection there becomes a QUIC connection
// to HOST, a numeric address, with one stream; bytes, ends and resets are passed on both ways.
// Without CAFILE any certificate is good. It ends with its standard input.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>
#include <unordered_map>
#include <utility>

#include "reactor/epoll_poller.h"
#include "tests/bridge/pipe.h"
#include "transport/listener.h"
#include "transport/quic/dialer.h"

namespace starling {
namespace {

constexpr std::uint64_t kInputToken = 0;
constexpr std::uint64_t kListenerToken = 1;
constexpr std::uint64_t kFirstPipeToken = 2;  // of both streams of a pipe

struct Target {
    std::string host;
    std::uint16_t port = 0;
    quic::ClientTrust trust;
};

// Owner: the main thread.
class Bridge {
public:
    Bridge(std::unique_ptr<EpollPoller> sockets, std::unique_ptr<quic::TlsContext> tls,
           Target target)
        : target_(std::move(target)),
          tls_(std::move(tls)),
          poller_(std::move(sockets)),
          dialer_({.poller = poller_, .tls = *tls_, .source = {}}) {}

    Result<void, std::string> open() {
        STARLING_SET(listener_, TcpListener::open({.host = "127.0.0.1", .port = 0}, TcpOptions{}));
        if (!listener_->attach(poller_, kListenerToken) || !poller_.add(STDIN_FILENO, kInputToken))
            return std::string("no socket can be watched");
        return {};
    }

    std::uint16_t port() const { return listener_->port(); }

    void run() {
        while (!is_over_)
            for (const Readiness& ready : poller_.wait(kNever)) {
                if (ready.token == kInputToken) look_at_input();
                else if (ready.token == kListenerToken) accept();
                else run(ready.token);
            }
    }

private:
    void look_at_input() {
        char byte;
        is_over_ = ::read(STDIN_FILENO, &byte, 1) == 0;
    }

    // Who cannot be served is hung up on.
    void accept() {
        std::unique_ptr<Stream> near;
        while (listener_->accept(near) == TcpListener::Accepted::Stream) {
            auto far = dialer_.dial(target_.host, target_.port, target_.host);
            if (!far) {
                std::fprintf(stderr, "%s: %s\n", far.error().text, std::strerror(far.error().code));
                near->reset(0);
                continue;
            }
            const std::uint64_t token = next_token_++;
            Pipe& pipe = pipes_.try_emplace(token, std::move(near), std::move(*far)).first->second;
            if (!pipe.near().attach(poller_, token) || !pipe.far().attach(poller_, token))
                pipes_.erase(token);
        }
    }

    void run(std::uint64_t token) {
        const auto pipe = pipes_.find(token);
        if (pipe != pipes_.end() && !pipe->second.run()) pipes_.erase(pipe);
    }

    Target target_;
    std::unique_ptr<quic::TlsContext> tls_;
    quic::QuicPoller poller_;
    quic::QuicDialer dialer_;
    std::unique_ptr<TcpListener> listener_;
    std::unordered_map<std::uint64_t, Pipe> pipes_;
    std::uint64_t next_token_ = kFirstPipeToken;
    bool is_over_ = false;
};

Result<Target, std::string> target(int argc, char** argv) {
    if (argc < 3 || argc > 4) return std::string("usage: quic_bridge HOST PORT [CAFILE]");
    Target target{.host = argv[1], .trust = {}};
    const char* end = argv[2] + std::strlen(argv[2]);
    if (std::from_chars(argv[2], end, target.port).ptr != end || target.port == 0)
        return std::string("no port: ") + argv[2];
    target.trust.is_anybody_trusted = argc == 3;
    if (argc == 4) target.trust.authority_file = argv[3];
    return target;
}

Result<void, std::string> serve(int argc, char** argv) {
    STARLING_TRY(reached, target(argc, argv));
    STARLING_TRY(tls, quic::TlsContext::client(reached.trust));
    auto sockets = EpollPoller::open();
    if (!sockets) return std::string("no poller");
    Bridge bridge(std::move(*sockets), std::move(tls), std::move(reached));
    STARLING_CHECK(bridge.open());
    std::printf("%d\n", int{bridge.port()});
    std::fflush(stdout);
    bridge.run();
    return {};
}

}  // namespace
}  // namespace starling

int main(int argc, char** argv) {
    const auto done = starling::serve(argc, argv);
    if (!done) std::fprintf(stderr, "%s\n", done.error().c_str());
    return done ? 0 : 1;
}
