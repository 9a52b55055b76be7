// MQTT clients over QUIC that do nothing but open streams and end them, as fast as they may.
//
//     quic_churn PORT COUNT
//
// Connects COUNT clients to 127.0.0.1 and prints "connected" when all are let in. From then on each
// opens a stream whenever the server allows one, says something there or the beginning of it, and
// resets the stream, drops it, or keeps it for a while, finished or not. For each line of its
// standard input it prints how many there were, and how often a client has lost its connection, as
// in
//
//     opened=125000 lost=0
//
// Who has lost it comes back. Any certificate is good. It ends with its standard input.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/random.h"
#include "mqtt/testing.h"
#include "reactor/epoll_poller.h"
#include "transport/quic/dialer.h"
#include "transport/quic/stream.h"

namespace starling {
namespace {

constexpr std::uint64_t kInputToken = 0;
constexpr std::uint64_t kFirstClientToken = 1;
constexpr TimeMs kPauseMs = 1;          // the server's credit comes unannounced
constexpr std::size_t kKeptMax = 8;     // of a client's streams, until newer ones come
constexpr std::uint32_t kAtOnce = 100;  // streams that a client opens before others have their turn

// What all clients do, added up. Plain data.
struct Deeds {
    std::uint64_t opened = 0;
    std::uint64_t lost = 0;
};

void write(Stream& stream, const ByteVector& bytes) {
    const iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    // What there is no credit for is not said.
    if (const auto taken = stream.write({&piece, 1}); !taken) return;
}

// Owner: the main thread.
class Churner {
public:
    struct Place {
        quic::QuicPoller& poller;
        quic::QuicDialer& dialer;
        std::uint16_t port;
        Deeds& deeds;
    };

    Churner(const Place& place, std::uint32_t number)
        : place_(place),
          random_(number),
          number_(number),
          name_("churn/" + std::to_string(number)) {}

    bool is_let_in() const { return is_let_in_; }

    // Whatever there is to do now.
    void act() {
        if (!control_) return dial();
        if (!read_control()) return leave();
        if (!is_let_in_) return;
        for (std::uint32_t i = 0; i < kAtOnce; ++i)
            if (!churn()) return;
    }

private:
    void dial() {
        auto stream = place_.dialer.dial("127.0.0.1", place_.port, "localhost");
        if (!stream || !(*stream)->attach(place_.poller, kFirstClientToken + number_)) return;
        control_ = std::move(*stream);
        has_said_connect_ = false;
    }

    void leave() {
        ++place_.deeds.lost;
        kept_.clear();
        control_.reset();
        is_let_in_ = false;
    }

    // False when the connection has ended. CONNACK is the first that comes.
    bool read_control() {
        const quic::QuicConnection* connection = connection_of_control();
        if (!connection) return false;
        if (!has_said_connect_ && connection->phase() == quic::QuicConnection::Phase::Open) {
            write(*control_, wire("10 [('MQTT') 04 02 0000 ('" + name_ + "')]"));
            has_said_connect_ = true;
        }
        std::array<std::byte, 1'000> room;
        for (bool more = true; more;) {
            const auto answer = control_->read(room);
            if (!answer) return false;
            is_let_in_ = is_let_in_ || answer->bytes != 0;
            more = answer->more;
        }
        return true;
    }

    quic::QuicConnection* connection_of_control() {
        return static_cast<quic::QuicStream&>(*control_).connection();
    }

    // False when the server allows no stream now.
    bool churn() {
        quic::QuicConnection* connection = connection_of_control();
        quic::StreamState* state = connection ? connection->open_stream() : nullptr;
        if (!state) return false;
        ++place_.deeds.opened;
        auto stream = std::make_unique<quic::QuicStream>(place_.dialer.clients(), *state);
        write(*stream, something());
        end(std::move(stream));
        return true;
    }

    ByteVector something() {
        switch (random_.below(4)) {
            case 0: return wire("82 [0001 ('" + name_ + "') 01]");
            case 1: return wire("32 [('" + name_ + "') 0001 'a message at QoS 1']");
            case 2: return wire("34 [('" + name_ + "') 0001 'one at QoS 2']");
            default: return wire("30 FF");  // the beginning of a long one
        }
    }

    void end(std::unique_ptr<quic::QuicStream> stream) {
        switch (random_.below(4)) {
            case 0: stream->finish(); break;
            case 1: return stream->reset(0x82);
            case 2: return;  // drops it
            default: break;
        }
        if (kept_.size() == kKeptMax) kept_.pop_front();
        kept_.push_back(std::move(stream));
    }

    Place place_;
    Random random_;
    std::uint32_t number_;
    std::string name_;
    std::unique_ptr<Stream> control_;
    std::deque<std::unique_ptr<quic::QuicStream>> kept_;
    bool has_said_connect_ = false;
    bool is_let_in_ = false;
};

template <typename Number>
bool parse(const char* text, Number& number) {
    const char* end = text + std::strlen(text);
    return std::from_chars(text, end, number).ptr == end;
}

// False at the end of the input.
bool read_line() {
    char line[16];
    return ::read(STDIN_FILENO, line, sizeof line) > 0;
}

int main_of(std::uint16_t port, std::uint32_t count) {
    auto tls = quic::TlsContext::client(quic::ClientTrust{.is_anybody_trusted = true});
    auto sockets = EpollPoller::open();
    if (!tls || !sockets || !(*sockets)->add(STDIN_FILENO, kInputToken)) return 1;
    quic::QuicPoller poller(std::move(*sockets));
    quic::QuicDialer dialer({.poller = poller, .tls = **tls, .source = {}});
    Deeds deeds;
    std::deque<Churner> churners;
    for (std::uint32_t number = 0; number < count; ++number)
        churners.emplace_back(Churner::Place{poller, dialer, port, deeds}, number);

    bool were_let_in = false;
    while (true) {
        for (const Readiness& ready : poller.wait(kPauseMs)) {
            if (ready.token != kInputToken) continue;
            if (!read_line()) return 0;
            std::printf("opened=%llu lost=%llu\n", static_cast<unsigned long long>(deeds.opened),
                        static_cast<unsigned long long>(deeds.lost));
            std::fflush(stdout);
        }
        for (Churner& one : churners) one.act();
        if (were_let_in || !std::ranges::all_of(churners, &Churner::is_let_in)) continue;
        were_let_in = true;
        std::puts("connected");
        std::fflush(stdout);
    }
}

}  // namespace
}  // namespace starling

int main(int count, char** words) {
    std::uint16_t port = 0;
    std::uint32_t clients = 0;
    if (count != 3 || !starling::parse(words[1], port) || !starling::parse(words[2], clients)) {
        std::fputs("usage: quic_churn PORT COUNT\n", stderr);
        return 2;
    }
    return starling::main_of(port, clients);
}
