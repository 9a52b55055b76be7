// A client over QUIC, and a server's connection in the hands of a test.
#include <cerrno>

#include <gtest/gtest.h>

#include "client/client.h"
#include "mqtt/testing.h"
#include "reactor/epoll_poller.h"
#include "transport/fault.h"
#include "transport/quic/dialer.h"
#include "transport/quic/listener.h"
#include "transport/quic/testing.h"

namespace starling {
namespace {

constexpr std::uint64_t kListenerToken = 1;
constexpr std::uint64_t kStreamToken = 2;
constexpr std::uint64_t kFurtherToken = 3;  // and up: the streams beside it

// The server answers CONNECT, and remembers what it hears. Owner: the test.
class ClientOverQuic : public testing::Test, public ClientListener {
protected:
    // The loop of both sides; below kApplicationTokens it is the server's.
    class Loop final : public ClientLoop {
    public:
        Loop(ClientOverQuic& test, Dial dial)
            : ClientLoop(test.core, test.resolvers, 1, std::move(dial)),
              test_(test) {}

        void read(std::span<const Readiness> ready) override {
            for (const Readiness& one : ready) {
                if (one.token == kListenerToken) test_.accept();
                if (one.token == kStreamToken) test_.hear();
                if (one.token >= kFurtherToken && one.token < kApplicationTokens)
                    test_.hear_further(one.token - kFurtherToken);
            }
            ClientLoop::read(ready);
        }

    private:
        ClientOverQuic& test_;
    };

    void SetUp() override {
        auto opened =
            quic::QuicListener::open({.host = "127.0.0.1", .port = 0}, {.poller = poller});
        ASSERT_TRUE(opened) << opened.error();
        listener = std::move(*opened);
        ASSERT_TRUE(listener->attach(kListenerToken));
    }

    void make_client(const std::string& host) {
        dialer = std::make_unique<quic::QuicDialer>(
            quic::QuicDialer::Setup{.poller = poller, .tls = *client_tls, .source = {}});
        loop = std::make_unique<Loop>(*this, dial_quic(*dialer));
        client = std::make_unique<Client>(*loop,
                                          ClientOptions{.host = host,
                                                        .port = listener->port(),
                                                        .version = Version::V4,
                                                        .client_id = "me",
                                                        .properties = {},
                                                        .further_streams = further_streams,
                                                        .reconnect = {.is_enabled = false}},
                                          *this);
        client->connect();
    }

    void TearDown() override {
        client.reset();
        loop.reset();
        dialer.reset();
        further.clear();
        server_stream.reset();
    }

    void accept() {
        while (auto stream = listener->accept()) {
            server_stream = std::move(stream);
            ASSERT_TRUE(server_stream->attach(poller, kStreamToken));
        }
    }

    void accept_further() {
        while (auto stream = server_stream->accept()) {
            ASSERT_TRUE(stream->attach(poller, kFurtherToken + further.size()));
            further.push_back(std::move(stream));
            heard_further.emplace_back();
        }
    }

    void hear_further(std::size_t number) {
        ByteVector bytes(1'000);
        Stream& stream = *further.at(number);
        while (const auto answer = stream.read(bytes)) {
            if (answer->bytes == 0) return;
            append_bytes(heard_further[number], Bytes(bytes).first(answer->bytes));
        }
        stream.finish();
    }

    void hear() {
        accept_further();
        ByteVector bytes(1'000);
        while (true) {
            const auto answer = server_stream->read(bytes);
            if (!answer) end = answer.error().code;
            if (!answer || answer->bytes == 0) break;
            append_bytes(heard, Bytes(bytes).first(answer->bytes));
        }
        if (end == 0) server_stream->finish();
        if (heard.empty()) return;
        const iovec piece{unsaid.data(), unsaid.size()};
        if (const auto taken = server_stream->write({&piece, 1}))
            unsaid.erase(unsaid.begin(), unsaid.begin() + static_cast<long>(*taken));
    }

    template <typename Done>
    void run_until(Done done) {
        while (!done()) core.turn(*loop);
    }

    void on_connected(const ConnectAnswer&) override { is_connected = true; }
    void on_disconnected(const Disconnection& why) override {
        ending = why.ending;
        error = why.error;
    }

    quic::QuicOptions options{.windows = 16};
    quic::QuicKeys keys = quic::QuicKeys::random();
    std::unique_ptr<quic::TlsContext> server_tls = std::move(*quic::TlsContext::server_from_pem(
        quic::rig_certificate().certificate, quic::rig_certificate().key, "test", keys));
    std::unique_ptr<quic::TlsContext> client_tls = std::move(*quic::TlsContext::client(
        quic::rig_certificate().certificate, quic::TlsContext::Trust::Verified));
    const SystemClock clock;
    quic::QuicCommons commons{options, keys, *server_tls, 1};
    quic::QuicPoller poller{std::move(*EpollPoller::open()), commons, 0};
    Core core{0, poller, clock};
    OffloadPool resolvers{1, 4};
    std::unique_ptr<quic::QuicListener> listener;
    std::unique_ptr<quic::QuicDialer> dialer;
    std::unique_ptr<Loop> loop;
    std::unique_ptr<Client> client;

    std::unique_ptr<Stream> server_stream;
    ByteVector heard;
    std::uint16_t further_streams = 0;
    std::vector<std::unique_ptr<Stream>> further;  // as the server has them
    std::vector<ByteVector> heard_further;
    int end = -1;                           // of what the server hears
    ByteVector unsaid = wire("20[00 00]");  // pacing can make the server wait

    bool is_connected = false;
    std::optional<Ending> ending;
    int error = 0;
};

TEST_F(ClientOverQuic, ConnectsAndItsDisconnectArrives) {
    make_client("localhost");
    run_until([&] { return is_connected; });
    ASSERT_TRUE(client->publish_now({.topic = "t", .payload = {}}));
    client->disconnect();
    run_until([&] { return ending.has_value(); });
    EXPECT_EQ(ending, Ending::Requested);
    EXPECT_EQ(end, 0);
    EXPECT_EQ(as_text(heard), as_text(wire("10[('MQTT') 04 02 003C ('me')] 30[('t')] E0[]")));
}

TEST_F(ClientOverQuic, ItsFurtherStreamsArriveWholeBeforeItLeaves) {
    further_streams = 2;
    make_client("localhost");
    run_until([&] { return is_connected; });
    ASSERT_TRUE(client->publish_now({.topic = "a", .payload = {}, .stream = 1}));
    ASSERT_TRUE(client->publish_now({.topic = "b", .payload = {}, .stream = 2}));
    run_until([&] { return further.size() == 2; });
    ASSERT_TRUE(client->publish_now({.topic = "c", .payload = {}, .stream = 1}));
    client->disconnect();
    run_until([&] { return ending.has_value(); });
    EXPECT_EQ(ending, Ending::Requested);
    EXPECT_EQ(as_text(heard), as_text(wire("10[('MQTT') 04 02 003C ('me')] E0[]")));
    EXPECT_EQ(as_text(heard_further[0]), as_text(wire("30[('a')] 30[('c')]")));
    EXPECT_EQ(as_text(heard_further[1]), as_text(wire("30[('b')]")));
}

TEST_F(ClientOverQuic, IsNotContentWithFewerStreams) {
    options.streams = 2;
    further_streams = 2;
    make_client("localhost");
    run_until([&] { return ending.has_value(); });
    EXPECT_EQ(ending, Ending::TooFewStreams);
    EXPECT_FALSE(is_connected);
    EXPECT_EQ(end, 0);
}

TEST_F(ClientOverQuic, TellsWhyItDoesNotTrustTheServer) {
    make_client("127.0.0.1");  // which the certificate does not name
    run_until([&] { return ending.has_value(); });
    EXPECT_EQ(ending, Ending::Unreachable);
    EXPECT_EQ(error, static_cast<int>(Fault::OtherName));
}

TEST_F(ClientOverQuic, TellsThatTheServerIsGone) {
    make_client("localhost");
    run_until([&] { return is_connected; });
    server_stream->reset(1);
    run_until([&] { return ending.has_value(); });
    EXPECT_EQ(ending, Ending::Lost);
    EXPECT_EQ(error, ECONNRESET);
}

}  // namespace
}  // namespace starling
