// Who may come in, by the network they come from; and whose answer to a Retry counts.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "transport/quic/address_token.h"
#include "transport/quic/endpoint_testing.h"

namespace starling::quic {
namespace {

constexpr TimeNs kRoundTrip = 20 * kMillisecond;

class ServerLimitsTest : public EndpointTest {
protected:
    void SetUp() override { make({.half_open_per_network = 4, .handshake_timeout_s = 5}); }

    // With so many windows that nobody is asked for their sake.
    void make(const QuicOptions& options) {
        rig = std::make_unique<QuicRig>(
            QuicRig::Setup{.parks_always = GetParam(), .windows = 64, .options = options});
    }

    // A client at another address than the rig's own.
    Handle connect_from(const std::string& host, Bytes token = {}) {
        return *rig->clients().connect({.path = {test_address(host, 40'000), rig->server_address()},
                                        .server_name = "localhost",
                                        .ticket = {},
                                        .token = token});
    }

    // First packets of clients that nobody will hear of again.
    std::vector<ByteVector> make_initials(int count) {
        std::vector<ByteVector> initials;
        lose([&] {
            rig->network.watch = [&](Bytes bytes, const SocketAddress&) {
                initials.emplace_back(bytes.begin(), bytes.end());
            };
            std::vector<Handle> clients;
            for (int i = 0; i < count; ++i) clients.push_back(rig->connect());
            rig->run_for(kMillisecond);
            rig->network.watch = nullptr;
            for (const Handle client : clients) rig->client(client)->close(0);
            rig->run_for(10 * kSecond);
        });
        return initials;
    }

    // Of a flood under addresses of 198.51.100.0/24, whose senders hear no answer.
    void flood(int count) {
        std::uint8_t host = 0;
        for (const ByteVector& initial : make_initials(count))
            rig->network.inject(initial,
                                test_address("198.51.100." + std::to_string(++host), 40'001),
                                rig->server_address());
        rig->run_for(kMillisecond);
    }

    // All places of 198.51.100.0/24 are taken, by hosts that say nothing more: half of them have
    // answered a Retry.
    void fill_network() {
        flood(2);
        std::vector<Handle> clients;
        for (int i = 0; i < 3; ++i) clients.push_back(connect_from("198.51.100.77"));
        ASSERT_TRUE(
            rig->run_until([&] { return count(QuicCount::RefusedPerNetwork) != 0; }, kSecond));
        lose([&] {
            for (const Handle client : clients) rig->client(client)->close(0);
            rig->run_for(100 * kMillisecond);
        });
        ASSERT_EQ(rig->server().half_open(), 4u);
    }

    template <typename Do>
    void lose(Do meanwhile) {
        rig->network.weather.loss_percent = 100;
        meanwhile();
        rig->network.weather.loss_percent = 0;
    }

    bool gets_in(Handle client, TimeNs within) {
        const auto is_in = [&] {
            const QuicConnection* one = rig->client(client);
            return one && one->phase() == QuicConnection::Phase::Open;
        };
        return rig->run_until(is_in, within);
    }
};

INSTANTIATE_TEST_SUITE_P(, ServerLimitsTest, testing::Bool(), [](const auto& one) {
    return std::string(one.param ? "parked" : "resident");
});

TEST_P(ServerLimitsTest, AnHonestCrowdGetsInByAndBy) {
    for (int i = 0; i < 12; ++i) connect_from("198.51.100.7");
    TimeNs most = 0;
    rig->run_until(
        [&] {
            most = std::max<TimeNs>(most, rig->server().half_open());
            return count(QuicCount::Handshakes) == 12;
        },
        10 * kSecond);
    EXPECT_EQ(most, 4u);
    EXPECT_EQ(count(QuicCount::Handshakes), 12u);
    EXPECT_EQ(count(QuicCount::RetriesSent), 10u);
    EXPECT_GE(count(QuicCount::RefusedPerNetwork), 8u);
    EXPECT_EQ(count(QuicCount::RefusedHalfOpen), 0u);
    EXPECT_EQ(rig->server().half_open(), 0u);
}

TEST_P(ServerLimitsTest, AFloodUnderAddressesOfANetworkCostsItARoundTripOnly) {
    flood(20);
    EXPECT_EQ(rig->server().half_open(), 2u);
    EXPECT_EQ(count(QuicCount::RetriesSent), 18u);
    EXPECT_EQ(count(QuicCount::RefusedPerNetwork), 0u);
    EXPECT_TRUE(gets_in(connect_from("198.51.100.77"), 2 * kRoundTrip + kMillisecond));
    EXPECT_EQ(count(QuicCount::RetriesSent), 19u);
    EXPECT_TRUE(gets_in(connect_from("198.51.101.7"), kRoundTrip + kMillisecond));
    EXPECT_EQ(count(QuicCount::RetriesSent), 19u) << "another network does not pay";
    rig->run_for(6 * kSecond);
    EXPECT_EQ(rig->server().half_open(), 0u);
    EXPECT_TRUE(gets_in(connect_from("198.51.100.77"), kRoundTrip + kMillisecond));
}

// RFC 9000, section 8.1: three times what came, whatever the limits answer.
TEST_P(ServerLimitsTest, AFloodIsNotAmplified) {
    const std::uint64_t sent = rig->server_port().bytes_sent;
    flood(20);
    rig->run_for(10 * kSecond);
    EXPECT_LE(rig->server_port().bytes_sent - sent, 2 * 3 * 1'200u + 18 * 200u);
}

TEST_P(ServerLimitsTest, AFullNetworkTakesNoPlaceOfAnother) {
    fill_network();
    const std::uint64_t refused = count(QuicCount::RefusedPerNetwork);
    const std::uint64_t retries = count(QuicCount::RetriesSent);
    const Handle late = connect_from("198.51.100.200");
    EXPECT_FALSE(gets_in(late, 500 * kMillisecond));
    EXPECT_EQ(count(QuicCount::RefusedPerNetwork), refused + 1);
    EXPECT_EQ(count(QuicCount::RetriesSent), retries) << "nothing would come of it";
    for (const char* host : {"198.51.101.7", "192.0.2.99", "127.0.0.9"})
        EXPECT_TRUE(gets_in(connect_from(host), kRoundTrip + kMillisecond)) << host;
    rig->run_for(6 * kSecond);  // those are given up, and so is this one
    EXPECT_TRUE(gets_in(connect_from("198.51.100.200"), kRoundTrip + kMillisecond));
}

TEST_P(ServerLimitsTest, NamedSourcesHaveNoLimit) {
    make({.half_open_per_network = 1,
          .unlimited_sources = {*AddressBlock::parse("198.51.100.0/25")}});
    std::vector<Handle> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(connect_from("198.51.100.7"));
    rig->run_for(15 * kMillisecond);
    EXPECT_EQ(rig->server().half_open(), 4u);
    EXPECT_EQ(count(QuicCount::RetriesSent), 0u);
    connect_from("198.51.100.200");
    rig->run_for(15 * kMillisecond);
    EXPECT_EQ(count(QuicCount::RetriesSent), 1u) << "not named";
}

// Whoever has one can send it under its address from anywhere, again and again.
TEST_P(ServerLimitsTest, ATokenOfTheLastTimeIsNoAnswerToARetry) {
    const Pair pair = open_stream(open());
    rig->server().offer_token(*pair.server->connection(), 0);
    ASSERT_TRUE(rig->run_until([&] { return pair.client->connection()->has_token(); }));
    const ByteVector token = pair.client->connection()->take_souvenirs().token;
    EXPECT_TRUE(gets_in(connect_from("198.51.100.7", token), kRoundTrip + kMillisecond));
    flood(2);
    EXPECT_EQ(count(QuicCount::RetriesSent), 0u);
    EXPECT_TRUE(gets_in(connect_from("198.51.100.7", token), 2 * kRoundTrip + kMillisecond));
    EXPECT_EQ(count(QuicCount::RetriesSent), 1u);
    EXPECT_EQ(count(QuicCount::TokensRefused), 0u);
}

// --- Tokens that cannot be read ------------------------------------------------------------------

// RFC 9000, section 8.1.2: a packet that is sound but for the token of its Retry.
TEST_P(ServerLimitsTest, AForgedAnswerToARetryIsRefusedAtOnce) {
    ByteVector token(60, std::byte{1});
    token[0] = std::byte{'r'};
    const Handle client = connect_from("198.51.100.7", token);
    rig->run_until([&] { return rig->client(client)->phase() != QuicConnection::Phase::Handshake; },
                   kRoundTrip + kMillisecond);
    EXPECT_EQ(rig->client(client)->close_code(), 0x0Bu);
    EXPECT_EQ(count(QuicCount::TokensRefused), 1u);
    EXPECT_EQ(rig->server().size(), 0u);
}

// The client sends the packet again, and its handshake goes on.
TEST_P(ServerLimitsTest, AnAnswerToARetryThatWasDamagedIsAsGoodAsLost) {
    for (std::size_t at = 0; at < 140; ++at) {
        make({.retry_from = 0});
        const Handle client = rig->connect();
        ASSERT_TRUE(rig->run_until([&] { return count(QuicCount::RetriesSent) == 1; }));
        ByteVector answer;
        rig->network.watch = [&](Bytes bytes, const SocketAddress& to) {
            if (!is_same(to, rig->server_address()) || !answer.empty()) return;
            answer.assign(bytes.begin(), bytes.end());
            rig->network.weather.loss_percent = 100;
        };
        ASSERT_TRUE(rig->run_until([&] { return !answer.empty(); }));
        rig->network.weather.loss_percent = 0;
        answer[at] ^= std::byte{0x01};
        rig->network.inject(answer, rig->client_address(), rig->server_address());
        EXPECT_TRUE(gets_in(client, 5 * kSecond)) << at;
        EXPECT_EQ(count(QuicCount::TokensRefused), 0u) << at;
    }
}

}  // namespace
}  // namespace starling::quic
