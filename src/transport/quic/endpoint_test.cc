// The server and its clients at their edges: who may come in, what is answered to whom, how it
// ends.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "transport/quic/endpoint_testing.h"

namespace starling::quic {

// Does what a well-behaved connection never does.
struct QuicConnectionProbe {
    static void submit_handshake_bytes(QuicConnection& connection) {
        WindowCache& windows = connection.host_->windows();
        const std::uint8_t message[] = {4, 0, 0, 0};
        ngtcp2_conn_submit_crypto_data(windows.enter(connection.place_).root, kApplicationLevel,
                                       message, sizeof message);
        windows.leave(connection.place_);
        connection.mark_dirty();
    }

    // As the library would, of a peer that leaves gaps.
    static void allocate(QuicConnection& connection, std::size_t bytes) {
        WindowCache& windows = connection.host_->windows();
        ASSERT_NE(windows.enter(connection.place_).allocate(bytes), nullptr);
        windows.leave(connection.place_);
        connection.mark_dirty();
    }
};

namespace {

using Phase = QuicConnection::Phase;

class QuicEndpointTest : public EndpointTest {
protected:
    void SetUp() override { make(); }
};

INSTANTIATE_TEST_SUITE_P(, QuicEndpointTest, testing::Bool(), [](const auto& one) {
    return std::string(one.param ? "parked" : "resident");
});

TEST_P(QuicEndpointTest, AHandshakeLeavesNothingOfTls) {
    QuicConnection& client = open();
    EXPECT_EQ(client.phase(), Phase::Open) << client.close_code();
    EXPECT_FALSE(client.is_resumed());
    EXPECT_EQ(count(QuicCount::Handshakes), 1u);
    EXPECT_EQ(rig->server().half_open(), 0u);
    const Pair pair = open_stream(client);
    EXPECT_TRUE(pair.server->connection()->is_tls_free());
    EXPECT_EQ(pair.server->peer_address(), "198.51.100.7:40000");
}

TEST_P(QuicEndpointTest, ATicketResumes) {
    const ByteVector ticket = open().take_souvenirs().ticket;
    ASSERT_FALSE(ticket.empty());
    EXPECT_TRUE(open(ticket).is_resumed());
    EXPECT_EQ(count(QuicCount::Resumptions), 1u);
    // Under another key it costs a full handshake.
    rig->restart_server(false);
    EXPECT_FALSE(open(ticket).is_resumed());
}

TEST_P(QuicEndpointTest, AnIdleConnectionHasNoTimer) {
    QuicConnection& client = open();
    const Pair pair = open_stream(client);
    rig->run_for(kLongEnough);
    EXPECT_EQ(client.expiry(), kNeverNs);
    EXPECT_EQ(pair.server->connection()->expiry(), kNeverNs);
    rig->run_for(24 * 3600 * kSecond);
    write(*pair.server, "awake");
    ASSERT_TRUE(rig->run_until([&] { return read(*pair.client) == "awake"; }));
}

TEST_P(QuicEndpointTest, StreamsEndEachWayByItself) {
    const Pair pair = open_stream(open());
    write(*pair.server, "last words");
    pair.server->finish();
    rig->run_for(kSecond);
    EXPECT_EQ(read(*pair.client), "last words");
    EXPECT_EQ(read(*pair.client), "error 0");
    write(*pair.client, "still here");
    rig->run_for(kSecond);
    EXPECT_EQ(read(*pair.server), "still here");
}

TEST_P(QuicEndpointTest, AResetEndsAStreamAndNotItsNeighbour) {
    QuicConnection& client = open();
    const Pair control = open_stream(client);
    const Pair data = open_stream(client);
    data.client->reset(7);
    rig->run_for(kSecond);
    EXPECT_EQ(read(*data.server), "error " + std::to_string(ECONNRESET));
    const iovec piece{const_cast<char*>("x"), 1};
    EXPECT_FALSE(data.server->write({&piece, 1}));
    write(*control.client, "alive");
    rig->run_for(kSecond);
    EXPECT_EQ(read(*control.server), "alive");
}

// The library sends what it has lost even after a reset, from where it was.
TEST_P(QuicEndpointTest, AResetWithBytesOnTheWayReadsNothingThatIsGone) {
    QuicConnection& client = open();
    const Pair control = open_stream(client);
    Pair data = open_stream(client);
    {
        const std::string text(5'000, 'x');
        rig->network.weather.loss_percent = 100;
        EXPECT_GT(write(*data.client, text), 1'000u);
    }
    data.client.reset();
    rig->run_for(kSecond);
    rig->network.weather.loss_percent = 0;
    rig->run_for(10 * kSecond);
    EXPECT_EQ(read(*data.server).substr(0, 5), "error");
    write(*control.client, "alive");
    rig->run_for(kSecond);
    EXPECT_EQ(read(*control.server), "alive");
}

TEST_P(QuicEndpointTest, ClosingTheFirstStreamClosesAll) {
    QuicConnection& client = open();
    Pair control = open_stream(client);
    const Pair data = open_stream(client);
    control.server->finish();
    control.server.reset();
    rig->run_for(kLongEnough);
    EXPECT_EQ(read(*data.client), "error 0");
    EXPECT_EQ(data.client->connection(), nullptr);
    EXPECT_EQ(data.client->peer_address(), "192.0.2.1:14567") << "it is still known";
    EXPECT_EQ(rig->clients().size(), 0u);
    EXPECT_EQ(rig->server().size(), 0u);
}

TEST_P(QuicEndpointTest, AStreamThatEndedMakesRoomForAnother) {
    make({.streams = 2});
    QuicConnection& client = open();
    const Pair control = open_stream(client);
    for (int i = 0; i < 20; ++i) {
        Pair data = open_stream(client);
        EXPECT_EQ(client.open_stream(), nullptr) << "beyond its credit";
        data.client->finish();
        data.server->finish();
        rig->run_for(kSecond);
        data = {};
        rig->run_for(kSecond);
    }
}

TEST_P(QuicEndpointTest, StreamsThatNobodyHasAcceptedCountAgainstTheCredit) {
    make({.streams = 2});
    QuicConnection& client = open();
    QuicStream first(rig->clients(), *client.open_stream());
    QuicStream second(rig->clients(), *client.open_stream());
    write(first, "x");
    write(second, "x");
    rig->run_for(kSecond);
    EXPECT_EQ(client.open_stream(), nullptr);
    const auto control = rig->take_server_stream();
    auto data = rig->take_server_stream();
    ASSERT_TRUE(control && data);
    rig->run_for(kSecond);
    EXPECT_EQ(client.open_stream(), nullptr);
    data.reset();
    rig->run_for(kSecond);
    StreamState* another = client.open_stream();
    ASSERT_NE(another, nullptr);
    QuicConnection::drop(*another);
}

TEST_P(QuicEndpointTest, WhoDoesNotReadStopsTheWriterOfThatStreamOnly) {
    make({.stream_bytes = 10'000, .connection_bytes = 100'000});
    QuicConnection& client = open();
    const Pair control = open_stream(client);
    const Pair data = open_stream(client);
    const std::string text(50'000, 'x');
    std::size_t taken = 0;
    for (int i = 0; i < 10; ++i) {
        taken += write(*data.client, text);
        rig->run_for(kSecond);
    }
    EXPECT_EQ(taken, 10'000u);
    write(*control.client, "free");
    rig->run_for(kSecond);
    EXPECT_EQ(read(*control.server), "free");
    while (read(*data.server) != "") {}
    rig->run_for(kSecond);
    EXPECT_GE(write(*data.client, text), 5'000u);
}

TEST_P(QuicEndpointTest, NewsIsReportedOnceAndOnlyWhileAttached) {
    const Pair pair = open_stream(open());
    NoPoller poller;
    std::vector<Readiness> news;
    rig->server().take_news(news);
    EXPECT_TRUE(news.empty());
    ASSERT_TRUE(pair.server->attach(poller, 42));
    rig->server().take_news(news);
    ASSERT_EQ(news.size(), 1u);
    EXPECT_TRUE(news[0].readable && news[0].writable && news[0].token == 42);
    write(*pair.client, "a");
    rig->run_for(kSecond);
    write(*pair.client, "b");
    rig->run_for(kSecond);
    news.clear();
    rig->server().take_news(news);
    ASSERT_EQ(news.size(), 1u);
    EXPECT_TRUE(news[0].readable);
    EXPECT_EQ(read(*pair.server), "ab");
    ASSERT_TRUE(pair.client->attach(poller, 43));
    pair.client->detach();
    write(*pair.server, "c");
    rig->run_for(kSecond);
    EXPECT_FALSE(rig->clients().has_news());
}

TEST_P(QuicEndpointTest, WhoOwesAcknowledgementsMayNotBeSilentForEver) {
    make({.user_timeout_ms = 10'000});
    QuicConnection& client = open();
    const Pair pair = open_stream(client);
    rig->run_for(60 * kSecond);
    ASSERT_NE(pair.server->connection(), nullptr) << "nothing is owed";
    rig->network.weather.loss_percent = 100;
    write(*pair.server, "x");
    rig->run_for(9 * kSecond);
    EXPECT_NE(pair.server->connection(), nullptr);
    rig->run_for(60 * kSecond);  // seen when something was to be sent again
    EXPECT_EQ(pair.server->connection(), nullptr);
    EXPECT_EQ(read(*pair.server), "error " + std::to_string(ETIMEDOUT));
}

// What a log says of a client that was lost.
TEST_P(QuicEndpointTest, AStreamKnowsWhoWasThereAndHowItEnded) {
    struct Case {
        void (*end)(QuicRig&, QuicConnection& client, Pair&);
        const char *read, *text;
    };
    static const Case cases[] = {
        {[](QuicRig&, QuicConnection& client, Pair&) { client.close(0); }, "0",
         "closed by the peer with code 0"},
        {[](QuicRig&, QuicConnection& client, Pair&) { client.close(7); }, "104",
         "closed by the peer with code 7"},
        {[](QuicRig&, QuicConnection&, Pair& pair) { pair.client.reset(); }, "104",
         "closed by the peer with code 1"},
        {[](QuicRig&, QuicConnection& client, Pair&) {
             QuicConnectionProbe::submit_handshake_bytes(client);
         },
         "104", "TLS alert 10 (QUIC error 0x10a)"},
        {[](QuicRig& its, QuicConnection&, Pair& pair) {
             its.network.weather.loss_percent = 100;
             write(*pair.server, "x");
         },
         "110", "the peer is silent and owes acknowledgements"},
    };
    for (const Case& c : cases) {
        make();
        QuicConnection& client = open();
        Pair pair = open_stream(client);
        c.end(*rig, client, pair);
        rig->run_until([&] { return !pair.server->connection(); }, kLongEnough);
        ByteVector buffer(10);
        const auto answer = pair.server->read(buffer);
        ASSERT_FALSE(answer) << c.text;
        EXPECT_EQ(std::to_string(answer.error().code), c.read) << c.text;
        EXPECT_EQ(pair.server->ending_text(answer.error()), c.text);
        EXPECT_EQ(pair.server->peer_address(), "198.51.100.7:40000") << c.text;
    }
}

TEST_P(QuicEndpointTest, AStreamThatEndsAloneSaysSo) {
    const Pair pair = open_stream(open());
    pair.client->finish();
    rig->run_for(kSecond);
    ByteVector buffer(10);
    const auto answer = pair.server->read(buffer);
    ASSERT_FALSE(answer);
    EXPECT_EQ(pair.server->ending_text(answer.error()), "closed by the peer");
    EXPECT_EQ(pair.server->peer_address(), "198.51.100.7:40000");
}

TEST_P(QuicEndpointTest, ManyHalfOpenHandshakesMakeARetry) {
    make({.retry_from = 0});
    open();
    EXPECT_EQ(count(QuicCount::RetriesSent), 1u);
    EXPECT_EQ(count(QuicCount::Handshakes), 1u);
    EXPECT_EQ(count(QuicCount::TokensRefused), 0u);
}

TEST_P(QuicEndpointTest, ATokenOfTheLastTimeSavesTheRetry) {
    ByteVector token;
    {
        QuicConnection& first = open();
        const Pair pair = open_stream(first);
        rig->server().offer_token(*pair.server->connection(), 99);
        ASSERT_TRUE(rig->run_until([&] { return first.has_token(); }));
        token = first.take_souvenirs().token;
    }
    const QuicKeys keys = rig->keys;
    make({.retry_from = 0});
    rig->keys = keys;
    rig->restart_server(true);
    open({}, token);
    EXPECT_EQ(count(QuicCount::RetriesSent), 0u);
    EXPECT_EQ(count(QuicCount::TokensRefused), 0u);
    rig->restart_server(false);
    open({}, token);
    EXPECT_EQ(count(QuicCount::RetriesSent), 1u);
    EXPECT_EQ(count(QuicCount::TokensRefused), 1u);
}

TEST_P(QuicEndpointTest, HandshakesAndConnectionsAreBounded) {
    make({.connections = 2, .half_open = 1, .handshake_timeout_s = 5});
    const Handle clients[] = {rig->connect(), rig->connect()};
    rig->run_for(15 * kMillisecond);
    EXPECT_EQ(rig->server().size(), 1u);
    EXPECT_EQ(count(QuicCount::RefusedHalfOpen), 1u);
    rig->run_for(4 * kSecond);  // the second tries again
    EXPECT_EQ(count(QuicCount::Handshakes), 2u);
    Pair pairs[2];
    for (int i = 0; i < 2; ++i) pairs[i] = open_stream(*rig->client(clients[i]));
    rig->connect();
    rig->run_for(10 * kSecond);
    EXPECT_EQ(rig->server().size(), 2u);
    EXPECT_GE(count(QuicCount::RefusedConnections), 1u);
    EXPECT_EQ(rig->clients().size(), 2u) << "the third gives up";
}

TEST_P(QuicEndpointTest, AHandshakeThatStallsIsForgotten) {
    make({.handshake_timeout_s = 5});
    rig->connect();
    rig->run_for(15 * kMillisecond);
    EXPECT_EQ(rig->server().half_open(), 1u);
    rig->network.weather.loss_percent = 100;
    rig->run_for(30 * kSecond);
    EXPECT_EQ(rig->server().size(), 0u);
    EXPECT_EQ(rig->server().half_open(), 0u);
    EXPECT_EQ(count(QuicCount::HandshakesFailed), 1u);
}

// RFC 9000, section 8.1: three times what came, until the client has shown that it is there.
TEST_P(QuicEndpointTest, ASpoofedClientGetsNoMoreThanThreefold) {
    rig->connect();
    rig->run_for(5 * kMillisecond);  // the Initial is on its way
    const std::uint64_t heard = rig->client_port().bytes_sent;
    rig->network.weather.delay = 3600 * kSecond;  // nothing comes back
    rig->run_for(60 * kSecond);
    EXPECT_GT(rig->server_port().bytes_sent, 0u);
    EXPECT_LE(rig->server_port().bytes_sent, 3 * heard);
}

TEST_P(QuicEndpointTest, ASilentRestartIsToldByAStatelessReset) {
    struct Case {
        bool has_same_keys;
        std::uint32_t resets_per_second;
        bool is_told;
    };
    static constexpr Case cases[] = {{true, 10, true}, {true, 0, false}, {false, 10, false}};
    for (const Case& c : cases) {
        make({.resets_per_second = c.resets_per_second});
        QuicConnection& client = open();
        const Handle handle = client.self();
        QuicStream stream(rig->clients(), *client.open_stream());
        rig->run_for(kSecond);
        rig->restart_server(c.has_same_keys);
        const std::uint64_t sent = rig->server_port().bytes_sent;
        write(stream, "anybody there?");
        rig->run_for(kSecond);
        const bool is_told = !rig->client(handle) || rig->client(handle)->was_reset();
        EXPECT_EQ(is_told, c.is_told);
        EXPECT_EQ(read(stream), is_told ? "error " + std::to_string(ECONNRESET) : "");
        EXPECT_EQ(count(QuicCount::ResetsSent) != 0, c.is_told);
        EXPECT_EQ(count(QuicCount::ResetsWithheld) != 0, c.resets_per_second == 0);
        const std::uint64_t heard = rig->client_port().bytes_sent;
        EXPECT_LT(rig->server_port().bytes_sent - sent, heard);
    }
}

// Who has finished its handshake has nothing more to say in TLS.
TEST_P(QuicEndpointTest, HandshakeBytesAfterTheHandshakeAreRefused) {
    QuicConnection& client = open();
    const Pair pair = open_stream(client);
    QuicConnectionProbe::submit_handshake_bytes(client);
    rig->run_until([&] { return client.phase() != Phase::Open; });
    EXPECT_EQ(pair.server->connection(), nullptr);
    EXPECT_EQ(client.close_code(), 0x10Au);
}

TEST_P(QuicEndpointTest, OtherVersionsAreToldOurs) {
    ByteVector datagram(1'200);
    datagram[0] = std::byte{0xC0};
    store_u32(&datagram[1], 0x1A2A3A4A);
    datagram[5] = std::byte{8};
    datagram[14] = std::byte{8};
    rig->network.inject(datagram, rig->client_address(), rig->server_address());
    rig->run_for(kSecond);
    EXPECT_EQ(count(QuicCount::VersionsNegotiated), 1u);
    EXPECT_EQ(rig->server_port().sent, 1u);
    // Not to what is short, nor to an answer of this kind.
    rig->network.inject(Bytes(datagram).first(1'199), rig->client_address(), rig->server_address());
    store_u32(&datagram[1], 0);
    rig->network.inject(datagram, rig->client_address(), rig->server_address());
    rig->run_for(kSecond);
    EXPECT_EQ(rig->server_port().sent, 1u);
    EXPECT_EQ(count(QuicCount::Malformed), 2u);
}

TEST_P(QuicEndpointTest, JunkIsNotAnswered) {
    Random random(7);
    for (int i = 0; i < 2'000; ++i) {
        ByteVector junk(random.below(1'500));
        for (std::byte& byte : junk) byte = static_cast<std::byte>(random.next());
        // Random bytes with the top bit set are mostly of another version, which is answered.
        if (!junk.empty()) junk[0] &= std::byte{0x7F};
        rig->network.inject(junk, rig->client_address(), rig->server_address());
    }
    rig->run_for(kSecond);
    EXPECT_EQ(rig->server_port().sent, 0u);
    EXPECT_EQ(count(QuicCount::Malformed), 2'000u);
    open();
}

TEST_P(QuicEndpointTest, BothSidesChangeKeys) {
    QuicConnection& client = open();
    const Pair pair = open_stream(client);
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(client.update_keys()) << i;
        write(*pair.client, "ping");
        rig->run_for(kLongEnough);
        EXPECT_EQ(read(*pair.server), "ping");
        // The next change has to wait until this one is acknowledged.
        write(*pair.server, "pong");
        rig->run_for(kLongEnough);
        EXPECT_EQ(read(*pair.client), "pong");
        ASSERT_TRUE(pair.server->connection()->update_keys()) << i;
        write(*pair.server, "again");
        rig->run_for(kLongEnough);
        EXPECT_EQ(read(*pair.client), "again");
        write(*pair.client, "and again");
        rig->run_for(kLongEnough);
        EXPECT_EQ(read(*pair.server), "and again");
    }
}

TEST_P(QuicEndpointTest, TheAddressFollowsARebinding) {
    const Pair pair = open_stream(open());
    rig->client_port().rebind(50'001);
    write(*pair.client, "moved");
    rig->run_for(kSecond);
    EXPECT_EQ(read(*pair.server), "moved");
    EXPECT_EQ(pair.server->peer_address(), "198.51.100.7:50001");
    write(*pair.server, "found");
    rig->run_for(kSecond);
    EXPECT_EQ(read(*pair.client), "found");
}

TEST_P(QuicEndpointTest, AClientMovesToAnotherAddress) {
    QuicConnection& client = open();
    const Pair pair = open_stream(client);
    ASSERT_TRUE(client.migrate({test_address("203.0.113.9", 1'234), rig->server_address()}));
    write(*pair.client, "moved");
    rig->run_for(kSecond);
    EXPECT_EQ(read(*pair.server), "moved");
    EXPECT_EQ(pair.server->peer_address(), "203.0.113.9:1234");
}

TEST_P(QuicEndpointTest, LargeConnectionsAreCountedAndStay) {
    const bool parks_always = GetParam();
    Pair large = open_stream(open());
    EXPECT_EQ(large.server->excess_bytes(), 0u);
    QuicConnectionProbe::allocate(*large.server->connection(), 1 << 20);
    rig->run_for(kSecond);
    EXPECT_EQ(count(QuicCount::Large), 1u);
    EXPECT_EQ(count(QuicCount::Pinned), parks_always ? 0u : 1u);
    EXPECT_GT(large.server->excess_bytes(), parks_always ? 0u : 1u << 20);

    std::vector<Pair> pairs;
    for (int i = 0; i < 40; ++i) pairs.push_back(open_stream(open()));
    EXPECT_GE(count(QuicCount::Parked), 33u);
    for (Pair& pair : pairs) write(*pair.client, "hello");
    write(*large.client, "large");
    rig->run_for(kSecond);
    for (Pair& pair : pairs) EXPECT_EQ(read(*pair.server), "hello");
    EXPECT_EQ(read(*large.server), "large");
    large = {};
    rig->run_for(kLongEnough);
    EXPECT_EQ(count(QuicCount::Large), 0u);
    EXPECT_EQ(count(QuicCount::Pinned), 0u);
}

TEST_P(QuicEndpointTest, TightMemoryTakesTheWindowsBack) {
    Pair pair = open_stream(open());
    rig->run_for(kSecond);
    const bool parks_always = GetParam();
    EXPECT_EQ(count(QuicCount::Parked), parks_always ? 1u : 0u);
    EXPECT_GT(count(QuicCount::WindowBytes), 10'000u);
    for (std::uint32_t part = 0; part < 3 * limits::kQuicSavesPerSecond; ++part) {
        rig->server().save_memory();
        rig->server().save_memory();  // too early
        rig->run_for(kSecond / limits::kQuicSavesPerSecond);
    }
    rig->server().flush();
    EXPECT_EQ(count(QuicCount::Parked), 1u);
    EXPECT_EQ(count(QuicCount::WindowBytes), 0u);
    write(*pair.client, "hello");
    rig->run_for(kSecond);
    EXPECT_EQ(read(*pair.server), "hello");
}

TEST_P(QuicEndpointTest, HalfTheWindowsAreForThoseWhoAreThrough) {
    rig = std::make_unique<QuicRig>(QuicRig::Setup{.parks_always = GetParam(), .windows = 4});
    for (int i = 0; i < 4; ++i) rig->connect();
    rig->run_for(15 * kMillisecond);
    EXPECT_EQ(rig->server().half_open(), 2u);
    EXPECT_EQ(count(QuicCount::RetriesSent), 2u);
    rig->run_for(10 * kSecond);
    EXPECT_EQ(count(QuicCount::Handshakes), 4u);
}

}  // namespace
}  // namespace starling::quic
