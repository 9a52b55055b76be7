// Very many MQTT clients over QUIC in one process, which come back by themselves.
//
//     quic_crowd PORT COUNT
//
// Connects COUNT clients to 127.0.0.1 and prints "connected". For each line of its standard input
// every client publishes a message at QoS 1; once all have their PUBACK it prints what has become
// of connections meanwhile, as in
//
//     answered returned=1000 reset=1000 otherwise=0 present=0 failed=0
//
// `reset`: connections whose end was a reset; `otherwise`: all other ends; `present`: returns to a
// session that was still there; `failed`: attempts to return, which are repeated. Any certificate
// is good. It ends with its standard input.
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <unistd.h>

#include "client/client.h"
#include "reactor/epoll_poller.h"
#include "reactor/offload.h"
#include "transport/quic/dialer.h"

namespace starling {
namespace {

constexpr std::uint64_t kInputToken = 0;
constexpr std::uint32_t kAttemptsAtOnce = 200;  // at the beginning; later, as they come
constexpr std::uint32_t kSessionExpiryS = 3'600;

// What has become of connections. Plain data.
struct Ends {
    std::uint32_t returned = 0;
    std::uint32_t reset = 0;
    std::uint32_t otherwise = 0;
    std::uint32_t present = 0;
    std::uint32_t failed = 0;
};

ClientOptions options_of(std::uint16_t port, std::uint32_t number) {
    ClientOptions options;
    options.host = "127.0.0.1";
    options.port = port;
    options.client_id = "crowd" + std::to_string(number);
    options.clean_start = false;
    options.session_expiry_interval_s = kSessionExpiryS;
    options.keep_alive_s = 0;
    options.reconnect = {.wait_ms_min = 200, .wait_ms_max = 5'000};
    return options;
}

// Owner: the main thread.
class Crowd final : public ClientLoop {
public:
    Crowd(Core& core, OffloadPool& resolvers, Dial dial, std::uint16_t port, std::uint32_t count)
        : ClientLoop(core, resolvers, 1, std::move(dial)) {
        for (std::uint32_t number = 0; number < count; ++number)
            members_.emplace_back(*this, options_of(port, number));
        for (std::uint32_t i = 0; i < kAttemptsAtOnce; ++i) connect_next();
    }

    void read(std::span<const Readiness> ready) override {
        for (const Readiness& one : ready)
            if (one.token == kInputToken) read_input();
        ClientLoop::read(ready);
    }

private:
    // Owner: the crowd.
    struct Member final : ClientListener {
        Member(Crowd& its_crowd, ClientOptions options)
            : crowd(its_crowd),
              client(its_crowd, std::move(options), *this) {}

        void on_connected(const ConnectAnswer& answer) override {
            crowd.on_connected(*this, answer.session_present);
        }
        void on_disconnected(const Disconnection& end) override {
            const bool is_reset = end.ending == Ending::Lost && end.error == ECONNRESET;
            Ends& ends = crowd.ends_;
            if (!std::exchange(is_here, false)) ++ends.failed;
            else ++(is_reset ? ends.reset : ends.otherwise);
        }

        Crowd& crowd;
        Client client;
        bool is_here = false;
        bool was_here = false;
    };

    void connect_next() {
        if (begun_ < members_.size()) members_[begun_++].client.connect();
    }

    void on_connected(Member& member, bool is_session_present) {
        member.is_here = true;
        if (std::exchange(member.was_here, true)) {
            ++ends_.returned;
            ends_.present += is_session_present;
            return;
        }
        connect_next();
        if (++arrived_ == members_.size()) say("connected\n");
    }

    void read_input() {
        char line[16];
        const ssize_t got = ::read(STDIN_FILENO, line, sizeof line);
        if (got == 0) core().stop();
        if (got > 0) publish();
    }

    void publish() {
        ends_ = {};
        answered_ = 0;
        for (Member& member : members_) {
            OutgoingMessage message;
            message.topic = "crowd";
            message.qos = Qos::AtLeastOnce;
            if (!member.client.publish(std::move(message), [this](Reason) { on_answered(); }))
                ++ends_.otherwise;
        }
    }

    void on_answered() {
        if (++answered_ != members_.size()) return;
        say("answered returned=" + std::to_string(ends_.returned) + " reset=" +
            std::to_string(ends_.reset) + " otherwise=" + std::to_string(ends_.otherwise) +
            " present=" + std::to_string(ends_.present) +
            " failed=" + std::to_string(ends_.failed) + "\n");
    }

    static void say(const std::string& text) {
        std::fputs(text.c_str(), stdout);
        std::fflush(stdout);
    }

    std::deque<Member> members_;
    std::size_t begun_ = 0;
    std::size_t arrived_ = 0;
    std::size_t answered_ = 0;
    Ends ends_;
};

template <typename Number>
bool parse(const char* text, Number& number) {
    const char* end = text + std::strlen(text);
    return std::from_chars(text, end, number).ptr == end;
}

int main_of(std::uint16_t port, std::uint32_t count) {
    auto tls = quic::TlsContext::client(quic::ClientTrust{.is_anybody_trusted = true});
    auto sockets = EpollPoller::open();
    if (!tls || !sockets || !(*sockets)->add(STDIN_FILENO, kInputToken)) return 1;
    quic::QuicPoller poller(std::move(*sockets));
    const SystemClock clock;
    Core core(0, poller, clock);
    OffloadPool resolvers(1, 1);
    quic::QuicDialer dialer({.poller = poller, .tls = **tls, .source = {}});
    Crowd crowd(core, resolvers, dial_quic(dialer), port, count);
    core.run(crowd);
    return 0;
}

}  // namespace
}  // namespace starling

int main(int count, char** words) {
    std::uint16_t port = 0;
    std::uint32_t clients = 0;
    if (count != 3 || !starling::parse(words[1], port) || !starling::parse(words[2], clients)) {
        std::fputs("usage: quic_crowd PORT COUNT\n", stderr);
        return 2;
    }
    return starling::main_of(port, clients);
}
