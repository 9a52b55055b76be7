// QUIC over real sockets.
#include "transport/quic/listener.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "reactor/epoll_poller.h"
#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

constexpr std::uint64_t kListenerToken = 1;
constexpr std::uint64_t kStreamToken = 2;

// Hangs end a test by the runner's limit; a turn waits this long at most.
constexpr TimeMs kTurnMs = 20;

// Cores of a server and one of clients, each with its poller, in one thread. Owner: the test.
class QuicListenerTest : public testing::Test {
protected:
    struct Core {
        Core(QuicCommons& commons, CoreId core)
            : poller(std::move(*EpollPoller::open()), commons, core) {
            commons.set_waker(core, waker);
        }

        QuicPoller poller;
        Waker waker{poller};
        std::unique_ptr<QuicListener> listener;
        std::vector<std::unique_ptr<QuicStream>> streams;
    };

    void listen_at(const std::string& host, CoreId cores = 1) {
        Endpoint endpoint{.host = host, .port = 0};
        commons = std::make_unique<QuicCommons>(options, keys, *server_tls, cores);
        for (CoreId core = 0; core < cores; ++core) {
            auto one = std::make_unique<Core>(*commons, core);
            auto listener = QuicListener::open(endpoint, {.poller = one->poller});
            ASSERT_TRUE(listener) << listener.error();
            one->listener = std::move(*listener);
            endpoint.port = one->listener->port();
            ASSERT_TRUE(one->listener->attach(kListenerToken));
            servers.push_back(std::move(one));
        }
        port = endpoint.port;
    }

    void call_from(const std::string& host) {
        socket = std::move(*UdpSocket::open({.host = host, .port = 0}, 1));
        clients = std::make_unique<QuicClients>(QuicEndpoint::Setup{
            .options = options, .keys = keys, .tls = *client_tls, .sender = *socket, .seed = 1});
        ASSERT_TRUE(client_poller.add(*clients, *socket));
    }

    void hang_up() {
        client_stream.reset();
        if (clients) client_poller.remove(*clients);
        clients.reset();
        turn();
    }

    void TearDown() override {
        hang_up();
        for (const auto& core : servers) core->streams.clear();
    }

    // One turn of every core; the servers echo.
    void turn() {
        for (const Readiness& ready : client_poller.wait(kTurnMs))
            if (ready.token == kStreamToken) {
                if (ready.writable) say();
                if (ready.readable) hear();
            }
        for (const auto& core : servers)
            for (const Readiness& ready : core->poller.wait(0)) {
                if (ready.token == kListenerToken)
                    while (auto stream = core->listener->accept()) {
                        ASSERT_TRUE(
                            stream->attach(core->poller, kStreamToken + core->streams.size()));
                        core->streams.push_back(std::move(stream));
                    }
                else echo(*core->streams.at(ready.token - kStreamToken));
            }
    }

    // Says what it has heard as soon as it may: pacing can make it wait.
    void echo(QuicStream& stream) {
        ByteVector bytes(1'000);
        std::string& owed = unsaid_by_server[&stream];
        while (const auto answer = stream.read(bytes)) {
            if (answer->bytes == 0) break;
            owed += as_text(Bytes(bytes).first(answer->bytes));
        }
        const iovec piece{owed.data(), owed.size()};
        if (const auto taken = stream.write({&piece, 1})) owed.erase(0, *taken);
    }

    void say() {
        const iovec piece{unsaid.data(), unsaid.size()};
        const auto taken = client_stream->write({&piece, 1});
        ASSERT_TRUE(taken);
        unsaid.erase(0, *taken);
    }

    void hear() {
        ByteVector bytes(1'000);
        while (const auto answer = client_stream->read(bytes)) {
            if (answer->bytes == 0) return;
            heard += as_text(Bytes(bytes).first(answer->bytes));
        }
    }

    // A connection, a message, and its echo.
    void talk_to(const std::string& host) {
        const Handle handle = *clients->connect(
            {.path = {socket->address(), test_address(host, port)}, .server_name = "localhost"});
        QuicConnection* client = nullptr;
        while ((client = clients->find(handle)) &&
               client->phase() == QuicConnection::Phase::Handshake)
            turn();
        ASSERT_TRUE(client && client->phase() == QuicConnection::Phase::Open);
        client_stream = std::make_unique<QuicStream>(*clients, *client->open_stream());
        ASSERT_TRUE(client_stream->attach(client_poller, kStreamToken));
        heard.clear();
        unsaid = "hello";
        while (heard != "hello") turn();
    }

    TestCertificate identity = make_certificate();
    QuicOptions options{.windows = 16};
    QuicKeys keys = QuicKeys::random();
    std::unique_ptr<TlsContext> server_tls =
        std::move(*TlsContext::server_from_pem(identity.certificate, identity.key, "test", keys));
    std::unique_ptr<TlsContext> client_tls =
        std::move(*TlsContext::client(identity.certificate, TlsContext::Trust::Verified));
    std::unique_ptr<QuicCommons> commons;
    std::vector<std::unique_ptr<Core>> servers;
    std::uint16_t port = 0;
    QuicPoller client_poller{std::move(*EpollPoller::open())};
    std::unique_ptr<UdpSocket> socket;
    std::unique_ptr<QuicClients> clients;
    std::unique_ptr<QuicStream> client_stream;
    std::string unsaid, heard;
    std::map<const QuicStream*, std::string> unsaid_by_server;
};

TEST_F(QuicListenerTest, EchoesOverLoopback) {
    listen_at("127.0.0.1");
    call_from("127.0.0.1");
    talk_to("127.0.0.1");
    EXPECT_EQ(client_stream->peer_address(), "127.0.0.1:" + std::to_string(port));
}

// However many come, those who are served have their turn.
TEST_F(QuicListenerTest, ATurnReadsNoMoreThanItsBudget) {
    constexpr int kBeyond = 18;
    listen_at("127.0.0.1");
    call_from("127.0.0.1");
    const Path path{socket->address(), test_address("127.0.0.1", port)};
    for (int i = 0; i < QuicPoller::kDatagrams + kBeyond; ++i) {
        socket->room()[0] = std::byte{0x40};
        socket->send(1, path, 0, {});
        socket->flush();
    }
    Core& core = *servers[0];
    const QuicCounters& counters = core.listener->server().counters();
    core.poller.wait(0);
    EXPECT_EQ(counters[QuicCount::DatagramsReceived], std::uint64_t{QuicPoller::kDatagrams});
    EXPECT_EQ(counters[QuicCount::TurnsCut], 1u);
    core.poller.wait(kNever);  // does not sleep
    EXPECT_EQ(counters[QuicCount::DatagramsReceived], QuicPoller::kDatagrams + kBeyond + 0u);
    EXPECT_EQ(counters[QuicCount::TurnsCut], 1u);
}

// Whichever address was asked answers: a client takes no other's answer.
TEST_F(QuicListenerTest, AnswersFromTheAddressThatWasAsked) {
    listen_at("");
    call_from("127.0.0.1");
    for (const char* host : {"127.0.0.1", "127.0.0.2", "127.9.9.9"}) {
        talk_to(host);
        client_stream.reset();
    }
}

TEST_F(QuicListenerTest, SpeaksIpv6) {
    listen_at("");
    auto probe = UdpSocket::open({.host = "::1", .port = 0}, 1);
    if (!probe) GTEST_SKIP() << "no IPv6 on this machine";
    call_from("::1");
    talk_to("::1");
}

TEST_F(QuicListenerTest, TheKernelSteersToTheOwningCore) {
    listen_at("127.0.0.1", 3);
    std::set<CoreId> visited;
    for (int i = 0; i < 24 && visited.size() < 3; ++i) {
        call_from("127.0.0.1");
        talk_to("127.0.0.1");
        for (CoreId core = 0; core < 3; ++core)
            if (servers[core]->listener->server().size() != 0) visited.insert(core);
        for (const auto& server : servers)
            EXPECT_EQ(server->listener->server().counters()[QuicCount::Strays], 0u);
        hang_up();
    }
    EXPECT_EQ(visited.size(), 3u);
}

}  // namespace
}  // namespace starling::quic
