// What a client says before the handshake is complete: what becomes of it at either end.
#include <cerrno>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "transport/quic/endpoint_testing.h"

namespace starling::quic {
namespace {

using Souvenirs = QuicConnection::Souvenirs;

constexpr TimeNs kOneWay = 10 * kMillisecond;  // of the rig's network

class EarlyDataTest : public EndpointTest {
protected:
    void SetUp() override { make(); }

    // What a connection leaves that has learned all it can.
    Souvenirs meet() {
        QuicConnection& client = open();
        Souvenirs left = client.take_souvenirs();
        client.close(0);
        rig->run_for(kLongEnough);
        return left;
    }

    // Another server in the place of the first, with its keys and other options.
    void restart_with(const QuicOptions& options) {
        const QuicKeys keys = rig->keys;
        make(options);
        rig->keys = keys;
        rig->restart_server(true);
    }

    // A client that speaks at once.
    std::unique_ptr<QuicStream> call(const Souvenirs& souvenirs, std::string_view text) {
        handle = rig->come_again(souvenirs);
        auto stream =
            std::make_unique<QuicStream>(rig->clients(), *rig->client(handle)->open_stream());
        said = write(*stream, text);
        return stream;
    }

    std::unique_ptr<QuicStream> server_stream() {
        std::unique_ptr<QuicStream> taken;
        rig->run_until([&] { return (taken = rig->take_server_stream()) != nullptr; },
                       10 * kSecond);
        return taken;
    }

    // As soon as the pace of the path allows.
    void say(Stream& stream, std::string_view text) {
        ASSERT_TRUE(rig->run_until(
            [&] {
                text.remove_prefix(write(stream, text));
                return text.empty();
            },
            kSecond));
    }

    // What came on a stream in all, after a while.
    std::string hear(Stream& stream) {
        std::string all;
        rig->run_for(kSecond);
        for (std::string more; !(more = read(stream)).empty() && more.substr(0, 5) != "error";)
            all += more;
        return all;
    }

    // The first flight of a client that says CONNECT early, and its stream.
    std::pair<std::vector<ByteVector>, std::unique_ptr<QuicStream>> overhear(
        const Souvenirs& souvenirs) {
        std::vector<ByteVector> flight;
        rig->network.watch = [&](Bytes bytes, const SocketAddress& to) {
            if (is_same(to, rig->server_address())) flight.emplace_back(bytes.begin(), bytes.end());
        };
        auto stream = call(souvenirs, "CONNECT");
        rig->run_for(kOneWay / 2);
        rig->network.watch = {};
        EXPECT_FALSE(flight.empty());
        return {std::move(flight), std::move(stream)};
    }

    // Somebody else sends what he has seen.
    void echo(const ByteVector& datagram) {
        rig->network.inject(datagram, test_address("203.0.113.66", 666), rig->server_address());
    }

    Handle handle;
    std::size_t said = 0;
};

INSTANTIATE_TEST_SUITE_P(, EarlyDataTest, testing::Bool(), [](const auto& one) {
    return std::string(one.param ? "parked" : "resident");
});

TEST_P(EarlyDataTest, ActsWhenTheHandshakeIsComplete) {
    const Souvenirs left = meet();
    ASSERT_FALSE(left.limits.empty());
    const TimeNs begun = rig->network.now;
    const auto stream = call(left, "CONNECT");
    EXPECT_EQ(said, 7u);
    rig->run_until([&] { return rig->network.now >= begun + kOneWay + kMillisecond; }, kOneWay * 2);
    EXPECT_EQ(rig->server().half_open(), 1u);
    EXPECT_EQ(rig->take_server_stream(), nullptr) << "the client may be an echo";
    const auto other = server_stream();
    ASSERT_TRUE(other);
    EXPECT_LT(rig->network.now, begun + 4 * kOneWay) << "there with the end of the handshake";
    EXPECT_EQ(read(*other), "CONNECT");
    EXPECT_EQ(count(QuicCount::EarlyAccepted), 1u);
    EXPECT_EQ(count(QuicCount::EarlyRefused), 0u);
    EXPECT_EQ(rig->client(handle)->early_outcome(), EarlyOutcome::Accepted);
    say(*other, "CONNACK");
    EXPECT_EQ(hear(*stream), "CONNACK");
}

TEST_P(EarlyDataTest, IsSentAgainWhenItIsRefused) {
    struct Case {
        const char* what;
        QuicOptions options;
        bool resumes;
    };
    const Case cases[] = {
        {"by policy", {.early_data = EarlyData::Off}, true},
        {"since other limits hold", {.streams = 7}, false},
        {"since less may be held", {.held_stream_bytes = 100}, false},
    };
    for (const Case& c : cases) {
        make();
        const Souvenirs left = meet();
        restart_with(c.options);
        const auto stream = call(left, "CONNECT");
        EXPECT_EQ(said, 7u) << c.what;
        stream->finish();
        const auto other = server_stream();
        ASSERT_TRUE(other) << c.what;
        EXPECT_EQ(hear(*other), "CONNECT") << c.what;
        EXPECT_EQ(read(*other), "error 0") << c.what;
        EXPECT_EQ(count(QuicCount::EarlyAccepted), 0u) << c.what;
        EXPECT_EQ(count(QuicCount::EarlyRefused), 1u) << c.what;
        EXPECT_EQ(count(QuicCount::Resumptions), c.resumes ? 1u : 0u) << c.what;
        EXPECT_EQ(rig->client(handle)->early_outcome(), EarlyOutcome::Refused) << c.what;
        say(*other, "CONNACK");
        EXPECT_EQ(hear(*stream), "CONNACK") << c.what;
    }
}

TEST_P(EarlyDataTest, IsSentAgainWithinSmallerLimits) {
    const Souvenirs left = meet();
    restart_with({.held_stream_bytes = 100});
    const std::string text(3'000, 'x');
    const auto stream = call(left, text);
    EXPECT_EQ(said, text.size());
    const auto other = server_stream();
    ASSERT_TRUE(other);
    std::string all = hear(*other);
    for (int i = 0; i < 100 && all.size() < text.size(); ++i) all += hear(*other);
    EXPECT_EQ(all, text);
}

TEST_P(EarlyDataTest, IsOfOneProtocol) {
    const Souvenirs left = meet();
    handle = *rig->clients().connect({.path = {rig->client_address(), rig->server_address()},
                                      .server_name = "localhost",
                                      .protocol = kProtocols[1],
                                      .ticket = left.ticket,
                                      .limits = left.limits});
    QuicStream stream(rig->clients(), *rig->client(handle)->open_stream());
    write(stream, "CONNECT");
    const auto other = server_stream();
    ASSERT_TRUE(other);
    EXPECT_EQ(hear(*other), "CONNECT");
    EXPECT_EQ(count(QuicCount::EarlyRefused), 1u);
    EXPECT_EQ(count(QuicCount::Resumptions), 0u);
}

TEST_P(EarlyDataTest, ATicketOfAnotherLifeGivesNone) {
    const Souvenirs left = meet();
    rig->restart_server(true);
    const auto stream = call(left, "CONNECT");
    const auto other = server_stream();
    ASSERT_TRUE(other);
    EXPECT_EQ(hear(*other), "CONNECT");
    EXPECT_EQ(count(QuicCount::Resumptions), 1u);
    EXPECT_EQ(count(QuicCount::EarlyRefused), 1u);
}

// As one that has expired: what was meant to be early is not, and lost neither.
TEST_P(EarlyDataTest, WithoutATicketItWaits) {
    Souvenirs left = meet();
    left.ticket.clear();
    const auto stream = call(left, "CONNECT");
    say(*stream, std::string_view("CONNECT").substr(said));
    const auto other = server_stream();
    ASSERT_TRUE(other);
    EXPECT_EQ(hear(*other), "CONNECT");
    EXPECT_EQ(count(QuicCount::EarlyAccepted) + count(QuicCount::EarlyRefused), 0u);
}

TEST_P(EarlyDataTest, AServerThatTakesNoneOffersNone) {
    make({.early_data = EarlyData::Off});
    const Souvenirs left = meet();
    EXPECT_FALSE(left.ticket.empty());
    EXPECT_TRUE(left.limits.empty());
    const auto stream = call(left, "CONNECT");
    EXPECT_EQ(said, 0u);
    server_stream();
    EXPECT_EQ(count(QuicCount::EarlyRefused), 0u);
}

TEST_P(EarlyDataTest, MoreThanIsHeldHasToWait) {
    make({.held_stream_bytes = 2'000});
    const Souvenirs left = meet();
    const std::string text(5'000, 'x');
    const auto stream = call(left, text);
    EXPECT_EQ(said, 2'000u);
    const auto other = server_stream();
    ASSERT_TRUE(other);
    EXPECT_EQ(hear(*other), text.substr(0, 2'000));
    say(*stream, std::string_view(text).substr(said));
    EXPECT_EQ(hear(*other), text.substr(2'000));
}

// What is refused may be more than the path takes at once.
TEST_P(EarlyDataTest, MuchIsSentAgainAsThePathAllows) {
    make({.held_stream_bytes = 200'000, .held_bytes = 200'000});
    const Souvenirs left = meet();
    restart_with(
        {.held_stream_bytes = 200'000, .held_bytes = 200'000, .early_data = EarlyData::Off});
    std::string text(100'000, 'x');
    for (std::size_t at = 0; at < text.size(); ++at) text[at] = static_cast<char>('a' + at % 23);
    const auto stream = call(left, text);
    EXPECT_GT(said, 5'000u);
    EXPECT_LT(said, text.size());
    const auto other = server_stream();
    ASSERT_TRUE(other);
    std::string all = hear(*other);
    for (int i = 0; i < 100 && all.size() < text.size(); ++i) {
        said += write(*stream, std::string_view(text).substr(said));
        all += hear(*other);
    }
    EXPECT_EQ(all, text);
}

TEST_P(EarlyDataTest, SurvivesARetry) {
    const Souvenirs left = meet();
    restart_with({.retry_from = 0});
    Souvenirs fresh = meet();  // of this life
    fresh.token.clear();
    const std::uint64_t retries = count(QuicCount::RetriesSent);
    const auto stream = call(fresh, "CONNECT");
    const auto other = server_stream();
    ASSERT_TRUE(other);
    EXPECT_EQ(hear(*other), "CONNECT");
    EXPECT_EQ(count(QuicCount::RetriesSent), retries + 1);
    EXPECT_EQ(count(QuicCount::EarlyAccepted), 1u);
}

TEST_P(EarlyDataTest, SurvivesBadWeather) {
    const Souvenirs left = meet();
    for (std::uint32_t turn = 0; turn < 10; ++turn) {
        make();
        const Souvenirs again = meet();
        rig->network.weather = {
            .jitter = 30 * kMillisecond, .loss_percent = 5 * turn, .duplicate_percent = 20};
        const auto stream = call(again, "CONNECT");
        const auto other = server_stream();
        ASSERT_TRUE(other) << turn;
        rig->network.weather = {};
        EXPECT_EQ(hear(*other), "CONNECT") << turn;
    }
}

TEST_P(EarlyDataTest, SeveralStreamsMaySpeakEarly) {
    // Ours opens the others later; a server has to hold what others' clients say on them.
    const Souvenirs left = meet();
    const auto stream = call(left, "CONNECT");
    rig->run_for(kSecond);
    QuicStream second(rig->clients(), *rig->client(handle)->open_stream());
    say(second, "PUBLISH");
    const auto first = server_stream(), other = server_stream();
    ASSERT_TRUE(first && other);
    EXPECT_EQ(hear(*first), "CONNECT");
    EXPECT_EQ(hear(*other), "PUBLISH");
}

TEST_P(EarlyDataTest, GivenUpEndsTheHandshake) {
    const Souvenirs left = meet();
    for (const bool is_reset : {false, true}) {
        auto stream = call(left, "CONNECT");
        if (is_reset) stream->reset(0);
        stream.reset();
        rig->run_for(kLongEnough);
        EXPECT_EQ(rig->clients().size(), 0u);
        EXPECT_EQ(rig->server().size(), 0u);
        EXPECT_EQ(rig->take_server_stream(), nullptr) << "never complete";
    }
}

// Who has seen the first flight and sends it again: the server hears, and does nothing.
TEST_P(EarlyDataTest, AnEchoActsNot) {
    const Souvenirs left = meet();
    const auto [flight, stream] = overhear(left);
    const auto other = server_stream();
    ASSERT_TRUE(other);
    rig->run_for(kLongEnough);
    for (const ByteVector& datagram : flight) echo(datagram);
    rig->run_for(5 * kMillisecond);
    EXPECT_EQ(rig->server().half_open(), 1u) << "it may be true";
    EXPECT_EQ(rig->take_server_stream(), nullptr);
    rig->run_for(kLongEnough);
    EXPECT_EQ(rig->server().half_open(), 0u);
    EXPECT_EQ(rig->server().size(), 1u);
    EXPECT_EQ(rig->take_server_stream(), nullptr);
    EXPECT_EQ(count(QuicCount::EarlyAccepted), 1u);
    EXPECT_EQ(count(QuicCount::HandshakesFailed), 1u);
    EXPECT_EQ(hear(*other), "CONNECT");
}

// --- Early data that acts at once
// -----------------------------------------------------------------

class FullEarlyDataTest : public EarlyDataTest {
protected:
    void SetUp() override { make({.early_data = EarlyData::Full}); }
};

INSTANTIATE_TEST_SUITE_P(, FullEarlyDataTest, testing::Bool(), [](const auto& one) {
    return std::string(one.param ? "parked" : "resident");
});

TEST_P(FullEarlyDataTest, IsAnsweredAfterOneRoundTrip) {
    const Souvenirs left = meet();
    const TimeNs begun = rig->network.now;
    const auto stream = call(left, "CONNECT");
    const auto other = server_stream();
    ASSERT_TRUE(other);
    EXPECT_EQ(rig->network.now, begun + kOneWay);
    EXPECT_EQ(rig->server().half_open(), 1u) << "the handshake goes on";
    EXPECT_FALSE(other->may_move());
    EXPECT_EQ(read(*other), "CONNECT");
    other->accept();  // lets in
    EXPECT_EQ(write(*other, "CONNACK"), 7u) << "in the same breath";
    std::string answer;
    ASSERT_TRUE(rig->run_until([&] { return (answer += read(*stream)) == "CONNACK"; }, kSecond));
    EXPECT_LE(rig->network.now, begun + 2 * kOneWay + kMillisecond);
    rig->run_for(kSecond);
    EXPECT_EQ(rig->server().half_open(), 0u);
    EXPECT_TRUE(other->may_move());
    EXPECT_TRUE(rig->client(handle)->has_token()) << "given when the handshake is complete";
    EXPECT_EQ(count(QuicCount::EarlyAccepted), 1u);
}

TEST_P(FullEarlyDataTest, SaysWhenItMayMove) {
    const Souvenirs left = meet();
    const auto stream = call(left, "CONNECT");
    const auto other = server_stream();
    ASSERT_TRUE(other);
    NoPoller poller;
    ASSERT_TRUE(other->attach(poller, 7));
    std::vector<Readiness> news;
    rig->server().take_news(news);
    EXPECT_EQ(read(*other), "CONNECT");
    news.clear();
    rig->run_for(kSecond);
    rig->server().take_news(news);
    ASSERT_EQ(news.size(), 1u);
    EXPECT_TRUE(news[0].readable);
    EXPECT_TRUE(other->may_move());
}

TEST_P(FullEarlyDataTest, AnEchoIsRefusedOnEveryCore) {
    make({.early_data = EarlyData::Full}, 2);
    const Souvenirs left = meet();
    const auto [flight, stream] = overhear(left);
    const auto other = server_stream();
    ASSERT_TRUE(other);
    rig->run_for(kLongEnough);
    const SocketAddress elsewhere = test_address("203.0.113.66", 666);
    for (CoreId core = 0; core < 2; ++core) {
        for (const ByteVector& datagram : flight)
            rig->server(core).receive({datagram, {rig->server_address(), elsewhere}, 0});
        EXPECT_EQ(rig->take_server_stream(), nullptr) << core;
        EXPECT_EQ(count(QuicCount::EarlyReplays, core), 1u) << core;
    }
    rig->run_for(kLongEnough);
    EXPECT_EQ(rig->take_server_stream(), nullptr);
    EXPECT_EQ(count(QuicCount::EarlyAccepted, 0) + count(QuicCount::EarlyAccepted, 1), 1u);
}

// Somebody who comes first with the bytes of another: that one is heard all the same.
TEST_P(FullEarlyDataTest, ATicketThatWasUsedUpCostsARoundTrip) {
    const Souvenirs left = meet();
    const auto first = call(left, "CONNECT"), again = call(left, "CONNECT");
    const auto one = server_stream(), other = server_stream();
    ASSERT_TRUE(one && other);
    EXPECT_EQ(hear(*one), "CONNECT");
    EXPECT_EQ(hear(*other), "CONNECT");
    EXPECT_EQ(count(QuicCount::EarlyAccepted), 2u) << "another ClientHello: the same client";
    EXPECT_EQ(count(QuicCount::EarlyReplays), 0u);
}

TEST_P(FullEarlyDataTest, WhereTheRegisterIsFullItWaits) {
    make({.early_data = EarlyData::Full, .early_tickets = 8});
    for (int i = 0; i < 8; ++i) {
        const auto stream = call(meet(), "CONNECT");
        const auto other = server_stream();
        rig->run_for(kSecond);
    }
    EXPECT_EQ(count(QuicCount::EarlyAccepted), 8u);
    const auto stream = call(meet(), "CONNECT");
    const auto other = server_stream();
    ASSERT_TRUE(other);
    EXPECT_EQ(rig->server().half_open(), 0u) << "not before the handshake is complete";
    EXPECT_EQ(hear(*other), "CONNECT");
    EXPECT_EQ(count(QuicCount::EarlyUnregistered), 1u);
    EXPECT_EQ(count(QuicCount::EarlyRefused), 1u);
    rig->run_for((EarlyDataGate::kRememberedS + 1) * kSecond);
    const auto later = call(meet(), "CONNECT");
    const auto heard = server_stream();
    rig->run_for(kSecond);
    EXPECT_EQ(count(QuicCount::EarlyAccepted), 9u) << "forgotten by then";
}

TEST_P(FullEarlyDataTest, ATicketOfAnotherLifeGivesNone) {
    const Souvenirs left = meet();
    rig->restart_server(true);
    const auto stream = call(left, "CONNECT");
    const auto other = server_stream();
    ASSERT_TRUE(other);
    EXPECT_EQ(rig->server().half_open(), 0u);
    EXPECT_EQ(hear(*other), "CONNECT");
    EXPECT_EQ(count(QuicCount::EarlyRefused), 1u);
}

// GnuTLS asks this for the time, by which it changes the keys of tickets.
std::time_t shift_s = 0;
std::time_t shifted_time(std::time_t* at) {
    const std::time_t now = std::time(nullptr) + shift_s;
    if (at) *at = now;
    return now;
}

// The register forgets a ClientHello no sooner than its ticket can be opened no more.
TEST_P(FullEarlyDataTest, NoTicketOutlivesTheRegister) {
    const Souvenirs left = meet();
    const auto [flight, stream] = overhear(left);
    const auto other = server_stream();
    ASSERT_TRUE(other);
    rig->run_for(kLongEnough);
    gnutls_global_set_time_function(shifted_time);
    shift_s = EarlyDataGate::kRememberedS;
    rig->run_for(shift_s * kSecond);
    for (const ByteVector& datagram : flight) echo(datagram);
    rig->run_for(kOneWay / 2);
    EXPECT_EQ(rig->take_server_stream(), nullptr);
    EXPECT_EQ(count(QuicCount::EarlyAccepted), 1u);
    rig->run_for(kLongEnough);
    gnutls_global_set_time_function(std::time);
    EXPECT_EQ(rig->take_server_stream(), nullptr);
}

TEST_P(FullEarlyDataTest, GivenUpInTheHandshakeEndsTheStream) {
    const Souvenirs left = meet();
    auto stream = call(left, "CONNECT");
    const auto other = server_stream();
    ASSERT_TRUE(other);
    EXPECT_EQ(read(*other), "CONNECT");
    rig->network.weather.loss_percent = 100;
    rig->run_for(kLongEnough);
    EXPECT_EQ(read(*other).substr(0, 5), "error");
    EXPECT_EQ(rig->server().size(), 0u);
}

TEST_P(FullEarlyDataTest, ARefusalInTheHandshakeArrives) {
    const Souvenirs left = meet();
    const auto stream = call(left, "CONNECT");
    auto other = server_stream();
    ASSERT_TRUE(other);
    say(*other, "no");
    other->finish();
    other.reset();
    EXPECT_EQ(hear(*stream), "no");
    rig->run_for(kLongEnough);
    EXPECT_EQ(rig->server().size(), 0u);
    EXPECT_EQ(rig->clients().size(), 0u);
}

// --- Cores
// ----------------------------------------------------------------------------------------

// A client whose token names another core than its packets come to. The Initial says so, the early
// data that follows it does not.
TEST_P(EarlyDataTest, FollowsItsInitialHome) {
    make({.held_stream_bytes = 4'000}, 4);
    QuicConnection& first = open();
    {
        Pair pair = open_stream(first);
        pair.server->accept();
        ASSERT_TRUE(rig->run_until([&] { return first.has_token(); }));
    }
    const Souvenirs left = first.take_souvenirs();
    const std::string text(3'000, 'x');  // more than fits beside an Initial
    std::uint64_t strays = 0;
    for (int i = 0; i < 16; ++i) {
        const auto stream = call(left, text);
        EXPECT_EQ(said, text.size());
        const auto other = server_stream();
        ASSERT_TRUE(other);
        EXPECT_EQ(hear(*other), text);
    }
    std::uint64_t malformed = 0;
    for (CoreId core = 0; core < 4; ++core) {
        strays += count(QuicCount::Strays, core);
        malformed += count(QuicCount::Malformed, core);
    }
    EXPECT_GT(strays, 0u);
    EXPECT_EQ(malformed, 0u);
}

TEST_P(EarlyDataTest, MovesHomeLikeAnyOther) {
    for (const EarlyData policy : {EarlyData::Connect, EarlyData::Full}) {
        make({.early_data = policy}, 2);
        const auto stream = call(meet(), "CONNECT");
        const auto other = server_stream();
        ASSERT_TRUE(other);
        EXPECT_EQ(read(*other), "CONNECT");
        rig->run_for(kSecond);
        const CoreId here = rig->server(0).size() == 1 ? 0 : 1;
        ASSERT_TRUE(other->may_move());
        ASSERT_TRUE(rig->move(*other, static_cast<CoreId>(1 - here)));
        say(*other, "CONNACK");
        EXPECT_EQ(hear(*stream), "CONNACK");
        say(*stream, "PUBLISH");
        EXPECT_EQ(hear(*other), "PUBLISH");
    }
}

}  // namespace
}  // namespace starling::quic
