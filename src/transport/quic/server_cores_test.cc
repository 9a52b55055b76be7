// Connections that move between the threads of a server, over real sockets: the cores do what a
// broker does, and ThreadSanitizer watches.
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "reactor/core.h"
#include "reactor/epoll_poller.h"
#include "transport/quic/listener.h"
#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

constexpr std::uint64_t kListenerToken = 1;

// A first stream on its way home, with what was read of it.
struct Moved {
    std::unique_ptr<Stream> stream;
    std::string unread;
};

// Says back what it hears. The first letter on a client's first stream names its home core, as a
// client identifier does; only there are its other streams accepted. Owner: its thread.
class EchoCore final : public TurnHandler {
public:
    EchoCore(QuicCommons& commons, MailLanes<Moved>& lanes, CoreId id)
        : poller_(std::move(*EpollPoller::open()), commons, id),
          core_(id, poller_, clock_),
          mailbox_(lanes, id, 1'000) {
        commons.set_waker(id, core_.waker());
        lanes.set_waker(id, core_.waker());
    }

    std::uint16_t listen(std::uint16_t port) {
        auto opened = QuicListener::open({.host = "127.0.0.1", .port = port}, {.poller = poller_});
        EXPECT_TRUE(opened) << opened.error();
        listener_ = std::move(*opened);
        EXPECT_TRUE(listener_->attach(kListenerToken));
        return listener_->port();
    }

    void start() {
        thread_ = std::thread([this] { core_.run(*this); });
    }
    void stop() {
        core_.stop();
        thread_.join();
    }

    // Connections that are here or are forwarded from here, as of the last turn; begins another.
    // From any thread.
    std::uint32_t live() {
        core_.waker().notify();
        return live_.load(std::memory_order_relaxed);
    }
    const QuicCounters& counters() const { return listener_->server().counters(); }

    void read(std::span<const Readiness> ready) override {
        for (const Readiness& one : ready) {
            if (one.token == kListenerToken) {
                while (auto stream = listener_->accept()) add({std::move(stream), ""}, false);
            } else if (guests_.contains(one.token)) {
                serve(one.token);
            }
        }
    }
    void mail() override {
        mailbox_.drain([&](CoreId from, Moved& moved) {
            mailbox_.finish(from);
            serve(add(std::move(moved), true));
        });
    }
    void timer(std::uint64_t) override {}
    void commit() override {}
    void post() override {
        const QuicServer& server = listener_->server();
        live_.store(server.size() + server.moved(), std::memory_order_relaxed);
        mailbox_.post();
    }
    void write() override {}
    void reap() override {}
    bool has_work() const override { return false; }
    bool has_mail() const override { return mailbox_.has_mail(); }

private:
    struct Guest {
        std::unique_ptr<Stream> stream;
        std::string unsaid;
        bool is_home;
        bool has_ended = false;
    };

    std::uint64_t add(Moved moved, bool is_home) {
        const std::uint64_t token = ++last_token_;
        EXPECT_TRUE(moved.stream->attach(poller_, token));
        guests_[token] = {std::move(moved.stream), std::move(moved.unread), is_home};
        return token;
    }

    void serve(std::uint64_t token) {
        Guest& guest = guests_.at(token);
        hear(guest);
        if (!guest.is_home && !guest.unsaid.empty()) {
            const auto home = static_cast<CoreId>(guest.unsaid[0] - '0');
            guest.is_home = home == core_.id();
            if (!guest.is_home) return send_home(token, home);
        }
        if (guest.is_home) {
            while (auto stream = guest.stream->accept()) serve(add({std::move(stream), ""}, true));
            say(token);
        } else if (guest.has_ended) {
            guests_.erase(token);
        }
    }

    void send_home(std::uint64_t token, CoreId home) {
        Guest& guest = guests_.at(token);
        guest.stream->detach();
        mailbox_.request(home, {std::move(guest.stream), std::move(guest.unsaid)});
        guests_.erase(token);
    }

    static void hear(Guest& guest) {
        ByteVector bytes(10'000);
        while (!guest.has_ended) {
            const auto answer = guest.stream->read(bytes);
            guest.has_ended = !answer;
            if (!answer || answer->bytes == 0) return;
            guest.unsaid += as_text(Bytes(bytes).first(answer->bytes));
        }
    }

    void say(std::uint64_t token) {
        Guest& guest = guests_.at(token);
        const iovec piece{guest.unsaid.data(), guest.unsaid.size()};
        const auto taken = guest.stream->write({&piece, 1});
        guest.unsaid.erase(0, taken ? *taken : guest.unsaid.size());
        if (!guest.has_ended || !guest.unsaid.empty()) return;
        guest.stream->finish();
        guests_.erase(token);
    }

    SystemClock clock_;
    QuicPoller poller_;
    Core core_;
    Mailbox<Moved> mailbox_;
    std::unique_ptr<QuicListener> listener_;
    std::map<std::uint64_t, Guest> guests_;
    std::uint64_t last_token_ = kListenerToken;
    std::atomic<std::uint32_t> live_{0};
    std::thread thread_;
};

// One stream of a client: says a text, and hears it again to its end. Owner: the test.
struct Talk {
    std::unique_ptr<QuicStream> stream;
    std::string text;
    std::string unsaid = text;
    std::string heard;
    bool has_ended = false;

    void turn() {
        const iovec piece{unsaid.data(), unsaid.size()};
        const auto taken = stream->write({&piece, 1});
        if (taken) unsaid.erase(0, *taken);
        ByteVector bytes(10'000);
        while (!has_ended) {
            const auto answer = stream->read(bytes);
            has_ended = !answer;
            if (!answer || answer->bytes == 0) return;
            heard += as_text(Bytes(bytes).first(answer->bytes));
        }
    }
};

class ServerCoresTest : public testing::TestWithParam<CoreId> {
protected:
    static constexpr int kClients = 12;
    static constexpr int kStreams = 3;

    void SetUp() override {
        for (CoreId core = 0; core < cores; ++core)
            servers.push_back(std::make_unique<EchoCore>(commons, lanes, core));
        for (const auto& server : servers) port = server->listen(port);
        for (const auto& server : servers) server->start();
        socket = std::move(*UdpSocket::open({.host = "127.0.0.1", .port = 0}, 1));
        clients = std::make_unique<QuicClients>(QuicEndpoint::Setup{
            .options = options, .keys = keys, .tls = *client_tls, .sender = *socket, .seed = 1});
        ASSERT_TRUE(poller.add(*clients, *socket));
    }

    void TearDown() override {
        talks.clear();
        poller.remove(*clients);
        clients.reset();
        for (const auto& server : servers) server->stop();
    }

    // A client at home on this core, which may have a token from the last time.
    void call(CoreId home, Bytes token = {}) {
        const Path path{socket->address(), test_address("127.0.0.1", port)};
        callers.push_back(
            {*clients->connect({.path = path, .server_name = "localhost", .token = token}), home});
    }
    void call_all() {
        for (int i = 0; i < kClients; ++i) call(static_cast<CoreId>(i % cores));
    }

    // Talks on each connection that is open by now, on its first stream above all.
    void begin() {
        std::erase_if(callers, [&](const Caller& caller) {
            QuicConnection* client = clients->find(caller.connection);
            if (client->phase() != QuicConnection::Phase::Open) return false;
            const char home = static_cast<char>('0' + caller.home);
            connected.push_back(caller);
            for (int i = 0; i < kStreams; ++i) {
                std::string text(20'000, static_cast<char>('a' + talks.size() % 26));
                text[0] = home;
                talks.push_back({std::make_unique<QuicStream>(*clients, *client->open_stream()),
                                 std::move(text)});
                EXPECT_TRUE(talks.back().stream->attach(poller, talks.size()));
            }
            return true;
        });
    }

    void turn() {
        for (const Readiness& ready : poller.wait(20))
            if (ready.token <= talks.size()) talks[ready.token - 1].turn();
        begin();
    }

    // The streams beside the first finish first: with that one all end.
    bool is_all_heard() const {
        return talks.size() == std::size_t{kClients * kStreams} &&
               std::ranges::all_of(
                   talks, [](const Talk& talk) { return talk.heard.size() == talk.text.size(); });
    }
    void hang_up() {
        for (Talk& talk : talks) talk.stream->finish();
        while (!std::ranges::all_of(talks, &Talk::has_ended)) turn();
        for (Talk& talk : talks) talk.stream.reset();
        while (!has_nothing_left()) poller.wait(20);
        talks.clear();
    }
    bool has_nothing_left() const {
        return clients->size() == 0 &&
               std::ranges::all_of(servers, [](const auto& one) { return one->live() == 0; });
    }

    std::uint64_t count(QuicCount what) const {
        std::uint64_t sum = 0;
        for (const auto& server : servers) sum += server->counters()[what];
        return sum;
    }

    const CoreId cores = GetParam();
    TestCertificate identity = make_certificate();
    QuicOptions options{.windows = 16};
    QuicKeys keys = QuicKeys::random();
    std::unique_ptr<TlsContext> server_tls =
        std::move(*TlsContext::server_from_pem(identity.certificate, identity.key, "test", keys));
    std::unique_ptr<TlsContext> client_tls =
        std::move(*TlsContext::client(identity.certificate, TlsContext::Trust::Verified));
    QuicCommons commons{options, keys, *server_tls, cores};
    MailLanes<Moved> lanes{cores};
    std::vector<std::unique_ptr<EchoCore>> servers;
    std::uint16_t port = 0;
    QuicPoller poller{std::move(*EpollPoller::open())};
    std::unique_ptr<UdpSocket> socket;
    std::unique_ptr<QuicClients> clients;
    struct Caller {
        Handle connection;
        CoreId home;
    };
    std::vector<Caller> callers, connected;
    std::vector<Talk> talks;
};

INSTANTIATE_TEST_SUITE_P(, ServerCoresTest, testing::Range<CoreId>(1, 5),
                         [](const auto& one) { return std::to_string(one.param); });

TEST_P(ServerCoresTest, ConnectionsMoveToTheirHomes) {
    call_all();
    while (!is_all_heard()) turn();
    for (const Talk& talk : talks) EXPECT_EQ(talk.heard, talk.text);
    const std::uint64_t moved = count(QuicCount::Departures);
    EXPECT_EQ(count(QuicCount::Arrivals), moved);
    EXPECT_EQ(count(QuicCount::MovesRefused), 0u);
    EXPECT_EQ(count(QuicCount::Forwarded) != 0, moved != 0);
    EXPECT_LE(moved != 0, cores > 1);
    hang_up();
}

TEST_P(ServerCoresTest, WhoComesBackBeginsAtHome) {
    call_all();
    const auto has_token = [&](const Caller& one) {
        return clients->find(one.connection)->has_token();
    };
    while (!is_all_heard() || !std::ranges::all_of(connected, has_token)) turn();
    const std::uint64_t moved = count(QuicCount::Departures);
    std::vector<ByteVector> tokens;
    for (const Caller& one : connected)
        tokens.push_back(clients->find(one.connection)->take_souvenirs().token);
    hang_up();
    for (std::size_t i = 0; i < tokens.size(); ++i) call(connected[i].home, tokens[i]);
    connected.clear();
    while (!is_all_heard()) turn();
    EXPECT_EQ(count(QuicCount::Departures), moved);
    EXPECT_EQ(count(QuicCount::TokensRefused), 0u);
    hang_up();
}

}  // namespace
}  // namespace starling::quic
