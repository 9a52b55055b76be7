// What was given out before a server's keys were replaced.
#include <string>

#include <gtest/gtest.h>

#include "transport/quic/endpoint_testing.h"

namespace starling::quic {
namespace {

using Souvenirs = QuicConnection::Souvenirs;

constexpr CoreId kCores = 3;

class RenewedKeysTest : public EndpointTest {
protected:
    void SetUp() override { make(); }

    // A set more, in the first place that is free.
    void replace_keys() {
        QuicKeys keys = rig->keys;
        const auto place = static_cast<std::uint8_t>(keys.sets.size());
        keys.sets.insert(keys.sets.begin(), KeySet::random(0, place));
        rig->replace_keys(keys);
    }

    // The overlap is over.
    void wipe_oldest() {
        QuicKeys keys = rig->keys;
        keys.sets.back().tokens = {};
        keys.sets.back().tickets = {};
        rig->replace_keys(keys);
    }

    Souvenirs meet() {
        QuicConnection& client = open();
        const Pair pair = open_stream(client);
        rig->server().offer_token(*pair.server->connection(), 0);
        EXPECT_TRUE(rig->run_until([&] { return client.has_token(); }));
        return client.take_souvenirs();
    }

    void expect_echo(Pair& pair, const std::string& text) {
        write(*pair.client, text);
        rig->run_for(kSecond);
        EXPECT_EQ(read(*pair.server), text);
        write(*pair.server, text);
        rig->run_for(kSecond);
        EXPECT_EQ(read(*pair.client), text);
    }

    // To new addresses, with an id of the server's for each: until none is left that it issued
    // before it was first asked for more.
    void expect_migrations(Handle client, Pair& pair) {
        for (std::uint16_t port = 1'000; port < 1'010; ++port) {
            ASSERT_TRUE(rig->client(client)->migrate(
                {test_address("203.0.113.9", port), rig->server_address()}));
            rig->run_for(20 * kSecond);
            expect_echo(pair, "here");
        }
    }

    std::uint32_t uses(std::uint8_t place, CoreId core = 0) {
        return rig->server(core).counters().key_uses(place);
    }
};

INSTANTIATE_TEST_SUITE_P(, RenewedKeysTest, testing::Bool(), [](const auto& one) {
    return std::string(one.param ? "parked" : "resident");
});

TEST_P(RenewedKeysTest, AConnectionGoesOnUnderThoseThatItBeganWith) {
    QuicConnection& client = open();
    Pair old = open_stream(client);
    replace_keys();
    expect_echo(old, "hello");
    expect_migrations(client.self(), old);
    EXPECT_EQ(uses(0), 1u);
    EXPECT_EQ(uses(1), 0u);

    Pair fresh = open_stream(open());
    expect_echo(fresh, "hello");
    EXPECT_EQ(uses(1), 1u);
    replace_keys();
    expect_echo(old, "again");
    expect_echo(fresh, "again");
    old = {};
    fresh = {};
    rig->run_for(kLongEnough);
    EXPECT_EQ(uses(0) + uses(1) + uses(2), 0u);
}

// Its first ids lead to the core where it arrived, the others to its home: each under the keys of
// its time there.
TEST_P(RenewedKeysTest, AConnectionThatMovesGoesOn) {
    make({}, kCores);
    QuicConnection& client = open();
    Pair pair = open_stream(client);
    CoreId here = 0;
    while (uses(0, here) == 0) ++here;
    const auto home = static_cast<CoreId>((here + 1) % kCores);
    replace_keys();
    ASSERT_TRUE(rig->move(*pair.server, home));
    rig->run_for(kSecond);
    EXPECT_EQ(uses(0, here), 1u);
    EXPECT_EQ(uses(1, home), 1u);
    replace_keys();
    expect_echo(pair, "hello");
    expect_migrations(client.self(), pair);
    pair = {};
    rig->run_for(kLongEnough);
    EXPECT_EQ(uses(0, here) + uses(1, home), 0u);
}

// A token is made of the id and the set that has sealed it, as long as that is known.
TEST_P(RenewedKeysTest, ARestartIsToldByTheSameStatelessReset) {
    const Handle clients[] = {open().self(), (replace_keys(), open().self())};
    std::unique_ptr<QuicStream> streams[2];
    for (int i = 0; i < 2; ++i)
        streams[i] =
            std::make_unique<QuicStream>(rig->clients(), *rig->client(clients[i])->open_stream());
    rig->run_for(kSecond);
    replace_keys();
    rig->restart_server(true);
    for (const auto& stream : streams) {
        write(*stream, "anybody there?");
        rig->run_for(kSecond);
        EXPECT_EQ(read(*stream), "error " + std::to_string(ECONNRESET));
    }
    EXPECT_EQ(count(QuicCount::ResetsSent), 2u);
}

TEST_P(RenewedKeysTest, ATicketResumesUntilItsKeyIsWiped) {
    const ByteVector ticket = meet().ticket;
    replace_keys();
    replace_keys();
    EXPECT_TRUE(open(ticket).is_resumed());
    const ByteVector fresh = meet().ticket;
    EXPECT_TRUE(open(fresh).is_resumed());
    wipe_oldest();
    EXPECT_FALSE(open(ticket).is_resumed());
    EXPECT_TRUE(open(fresh).is_resumed());
    rig->restart_server(true);
    EXPECT_TRUE(open(fresh).is_resumed());
}

TEST_P(RenewedKeysTest, EarlyDataActsUnderATicketOfBefore) {
    for (const EarlyData kind : {EarlyData::Connect, EarlyData::Full}) {
        make({.early_data = kind});
        const Souvenirs left = meet();
        replace_keys();
        const Handle handle = rig->come_again(left);
        QuicStream stream(rig->clients(), *rig->client(handle)->open_stream());
        EXPECT_EQ(write(stream, "CONNECT"), 7u);
        rig->run_for(kSecond);
        EXPECT_EQ(count(QuicCount::EarlyAccepted), 1u);
        EXPECT_EQ(count(QuicCount::Resumptions), 1u);
        EXPECT_EQ(count(QuicCount::TokensRefused), 0u);
    }
}

TEST_P(RenewedKeysTest, ATokenSavesTheRetryUntilItsKeyIsWiped) {
    make({.retry_from = 0});
    const ByteVector token = meet().token;
    EXPECT_EQ(count(QuicCount::RetriesSent), 1u);
    replace_keys();
    open({}, token);
    EXPECT_EQ(count(QuicCount::RetriesSent), 1u);
    wipe_oldest();
    open({}, token);
    EXPECT_EQ(count(QuicCount::RetriesSent), 2u);
    EXPECT_EQ(count(QuicCount::TokensRefused), 1u);
}

}  // namespace
}  // namespace starling::quic
