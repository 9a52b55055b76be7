// The streams of a connection: the first, which stands for it, and those that wait beside it.
#include "transport/quic/endpoint_testing.h"

namespace starling::quic {
namespace {

class ConnectionStreamsTest : public EndpointTest {
protected:
    void SetUp() override { make(); }

    std::unique_ptr<QuicStream> open_other(QuicConnection& client) {
        return std::make_unique<QuicStream>(rig->clients(), *client.open_stream());
    }

    // The server's news since the last call.
    std::vector<Readiness> news() {
        std::vector<Readiness> reports;
        rig->server().take_news(reports);
        return reports;
    }

    // As much as a client can write in a while.
    std::size_t write_all(Stream& stream, std::size_t bytes) {
        const std::string text(bytes, 'x');
        std::size_t taken = 0;
        for (int i = 0; i < 10 && taken < bytes; ++i) {
            taken += write(stream, std::string_view(text).substr(taken));
            rig->run_for(kSecond);
        }
        return taken;
    }
};

INSTANTIATE_TEST_SUITE_P(, ConnectionStreamsTest, testing::Bool(), [](const auto& one) {
    return std::string(one.param ? "parked" : "resident");
});

TEST_P(ConnectionStreamsTest, OnlyTheFirstIsAnnounced) {
    QuicConnection& client = open();
    const auto first = open_other(client), second = open_other(client), third = open_other(client);
    write(*third, "3");  // before the first, as reordering may have it
    rig->run_for(kSecond);
    EXPECT_EQ(rig->server().opened(), 0u);
    write(*second, "2");
    write(*first, "1");
    rig->run_for(kSecond);
    EXPECT_EQ(rig->server().opened(), 1u);
    StreamState* taken = rig->server().take_stream();
    ASSERT_NE(taken, nullptr);
    EXPECT_EQ(rig->server().take_stream(), nullptr);
    QuicStream control(rig->server(), *taken);
    EXPECT_EQ(read(control), "1");
    // In the order of their ids.
    const auto two = control.accept(), three = control.accept();
    ASSERT_TRUE(two && three);
    EXPECT_EQ(read(*two) + read(*three), "23");
    EXPECT_EQ(control.accept(), nullptr);
    EXPECT_EQ(two->accept(), nullptr) << "only the first gives others";
}

TEST_P(ConnectionStreamsTest, NewsSaysThatOthersWait) {
    QuicConnection& client = open();
    const Pair control = open_stream(client);
    NoPoller poller;
    ASSERT_TRUE(control.server->attach(poller, 7));
    EXPECT_FALSE(news().at(0).opened);
    const auto second = open_other(client);
    write(*second, "x");
    rig->run_for(kSecond);
    const auto told = news();
    ASSERT_EQ(told.size(), 1u);
    EXPECT_TRUE(told[0].opened && told[0].token == 7);
    write(*second, "x");
    rig->run_for(kSecond);
    EXPECT_TRUE(news().empty()) << "once";
    // Who attaches later is told as well.
    ASSERT_TRUE(control.server->attach(poller, 8));
    EXPECT_TRUE(news().at(0).opened);
    const auto accepted = control.server->accept();
    ASSERT_TRUE(control.server->attach(poller, 9));
    EXPECT_FALSE(news().at(0).opened);
}

TEST_P(ConnectionStreamsTest, BeforeTheFirstAcceptTheyHaveLittleCredit) {
    QuicConnection& client = open();
    const auto first = open_other(client);
    write(*first, "x");
    rig->run_for(kSecond);
    QuicStream control(rig->server(), *rig->server().take_stream());
    std::vector<std::unique_ptr<QuicStream>> others;
    std::size_t taken = 0;
    for (int i = 0; i < 12; ++i) {
        others.push_back(open_other(client));
        const std::size_t bytes = write_all(*others.back(), 10'000);
        EXPECT_LE(bytes, limits::kQuicHeldStreamBytes) << i;
        taken += bytes;
    }
    EXPECT_EQ(taken, limits::kQuicHeldBytes - 1u);
    EXPECT_EQ(write(*first, "x"), 0u);
    // The first call opens the connection, accepting a stream opens that.
    auto accepted = control.accept();
    rig->run_for(kSecond);
    EXPECT_EQ(write_all(*others[0], 10'000), 10'000u);
    EXPECT_EQ(write_all(*others[1], 10'000), 0u);
    EXPECT_EQ(write_all(*first, 60'000), 60'000u);
}

// Else a client with one stream would be slow for good.
TEST_P(ConnectionStreamsTest, AskingForOthersOpensTheConnectionWhenThereAreNone) {
    const Pair control = open_stream(open());
    EXPECT_EQ(write_all(*control.client, 60'000), limits::kQuicHeldBytes - 1u);
    EXPECT_EQ(control.server->accept(), nullptr);
    rig->run_for(kSecond);
    EXPECT_GE(write_all(*control.client, 20'000), 20'000u);
}

TEST_P(ConnectionStreamsTest, WhoIsReadFastMayHaveFourTimesAsMuchUnread) {
    make({.stream_bytes = 2'000,
          .connection_bytes = 4'000,
          .held_stream_bytes = 500,
          .held_bytes = 1'000});
    const Pair control = open_stream(open());
    EXPECT_EQ(control.server->accept(), nullptr);
    const std::string text(500, 'x');
    for (int i = 0; i < 500; ++i) {
        write(*control.client, text);
        rig->run_for(5 * kMillisecond);
        while (!read(*control.server).empty()) {}
    }
    rig->run_for(kSecond);
    while (!read(*control.server).empty()) {}
    rig->run_for(kSecond);
    const std::size_t unread = write_all(*control.client, 20'000);
    EXPECT_GT(unread, 2'000u);
    EXPECT_LE(unread, 4 * 2'000u);
}

TEST_P(ConnectionStreamsTest, OneThatWasResetIsNeverAccepted) {
    make({.streams = 2});
    QuicConnection& client = open();
    const Pair control = open_stream(client);
    for (int i = 0; i < 20; ++i) {
        StreamState* state = client.open_stream();
        ASSERT_NE(state, nullptr) << i;
        QuicStream other(rig->clients(), *state);
        write(other, "x");
        rig->run_for(kSecond);
        EXPECT_TRUE(control.server->connection()->has_waiting_stream());
        other.reset(3);
        rig->run_for(kSecond);
        EXPECT_FALSE(control.server->connection()->has_waiting_stream());
        EXPECT_EQ(control.server->accept(), nullptr);
        rig->run_for(kSecond);
    }
}

// Whoever resets one says why, and hears the same.
TEST_P(ConnectionStreamsTest, AResetIsAnsweredWithItsCode) {
    QuicConnection& client = open();
    const Pair control = open_stream(client);
    StreamState& state = *client.open_stream();
    QuicStream other(rig->clients(), state);
    write(other, "x");
    rig->run_for(kSecond);
    auto accepted = control.server->accept();
    ASSERT_TRUE(accepted);
    accepted->reset(0x82);
    accepted.reset();
    rig->run_for(kSecond);
    EXPECT_EQ(read(other), "error " + std::to_string(ECONNRESET));
    EXPECT_EQ(state.reset_code, 0x82u);
}

TEST_P(ConnectionStreamsTest, OneThatWasFinishedIsReadToItsEnd) {
    QuicConnection& client = open();
    const Pair control = open_stream(client);
    const auto other = open_other(client);
    write(*other, "all");
    other->finish();
    rig->run_for(kLongEnough);
    const auto accepted = control.server->accept();
    ASSERT_TRUE(accepted);
    EXPECT_EQ(read(*accepted), "all");
    EXPECT_EQ(read(*accepted), "error 0");
    write(*accepted, "answer");
    rig->run_for(kSecond);
    EXPECT_EQ(read(*other), "answer");
}

TEST_P(ConnectionStreamsTest, ThoseThatWaitEndWithTheConnection) {
    QuicConnection& client = open();
    Pair control = open_stream(client);
    const auto other = open_other(client);
    write(*other, "x");
    rig->run_for(kSecond);
    control.client.reset();
    rig->run_for(kLongEnough);
    EXPECT_EQ(rig->server().size(), 0u);
    EXPECT_EQ(control.server->accept(), nullptr);
}

// What was written is read, and then the end, whatever the network loses.
TEST_P(ConnectionStreamsTest, LastWordsArrive) {
    for (std::uint64_t seed = 1; seed <= (GetParam() ? 2 : 20); ++seed) {
        SCOPED_TRACE(seed);
        rig = std::make_unique<QuicRig>(QuicRig::Setup{.seed = seed, .parks_always = GetParam()});
        QuicConnection& client = open();
        Pair control = open_stream(client);
        rig->network.weather.loss_percent = 20;
        write(*control.server, "last words");
        control.server->finish();
        control.server.reset();
        rig->run_for(limits::kQuicLingerMs * kMillisecond);
        EXPECT_EQ(read(*control.client), "last words");
        EXPECT_EQ(read(*control.client), "error 0");
        rig->network.weather.loss_percent = 0;
        rig->run_for(kLongEnough);
        EXPECT_EQ(rig->server().size(), 0u);
    }
}

TEST_P(ConnectionStreamsTest, LastWordsAreNotWaitedForWithoutEnd) {
    Pair control = open_stream(open());
    rig->network.weather.loss_percent = 100;
    write(*control.server, "last words");
    control.server->finish();
    control.server.reset();
    rig->run_for(limits::kQuicLingerMs * kMillisecond - kMillisecond);
    EXPECT_EQ(rig->server().size(), 1u);
    rig->network.weather.loss_percent = 0;
    rig->run_until([&] { return control.client->connection() == nullptr; });
    EXPECT_EQ(read(*control.client), "error 0");
    rig->run_for(20 * kSecond);
    EXPECT_EQ(rig->server().size(), 0u);
}

TEST_P(ConnectionStreamsTest, HowTheFirstEndsTellsThePeer) {
    struct Case {
        const char* what;
        void (*act)(std::unique_ptr<QuicStream>& stream);
        std::uint64_t code;
    };
    static constexpr Case cases[] = {
        {"dropped", [](auto& stream) { stream.reset(); }, 1},
        {"finished and dropped",
         [](auto& stream) {
             stream->finish();
             stream.reset();
         },
         0},
        {"reset", [](auto& stream) { stream->reset(0x8E); }, 0x8E},
        {"reset with nothing to say", [](auto& stream) { stream->reset(0); }, 0},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.what);
        make();
        QuicConnection& client = open();
        const Handle handle = client.self();
        Pair control = open_stream(client);
        const Pair data = open_stream(client);
        c.act(control.server);
        rig->run_until([&] { return data.client->connection() == nullptr; });
        ASSERT_TRUE(rig->client(handle));
        EXPECT_EQ(rig->client(handle)->close_code(), c.code);
        EXPECT_EQ(read(*data.client), c.code == 0 ? "error 0" : "error 104");
    }
}

TEST_P(ConnectionStreamsTest, WhoOpensNoneIsClosed) {
    make({.handshake_timeout_s = 5});
    const Handle handle = open().self();
    rig->run_for(4'900 * kMillisecond);
    EXPECT_EQ(rig->server().size(), 1u);
    rig->run_for(200 * kMillisecond);
    ASSERT_TRUE(rig->client(handle));
    EXPECT_EQ(rig->client(handle)->close_code(), 1u);
    rig->run_for(kLongEnough);
    EXPECT_EQ(rig->server().size(), 0u);
    const Pair pair = open_stream(open());
    rig->run_for(kLongEnough);
    EXPECT_EQ(rig->server().size(), 1u);
}

TEST_P(ConnectionStreamsTest, StreamsThatComeAndGoAreLimitedInTime) {
    make({.streams = 4, .streams_per_second = 10});
    QuicConnection& client = open();
    const Pair control = open_stream(client);
    const TimeNs begin = rig->network.now;
    int opened = 0;
    while (opened < 50 && rig->network.now < begin + kLongEnough) {
        StreamState* state = client.open_stream();
        if (state) {
            QuicStream stream(rig->clients(), *state);
            write(stream, "x");
            ++opened;
        }
        rig->run_for(10 * kMillisecond);
    }
    EXPECT_EQ(opened, 50);
    EXPECT_GE(rig->network.now - begin, 4 * kSecond);
    EXPECT_LE(rig->network.now - begin, 7 * kSecond);
    EXPECT_GE(count(QuicCount::StreamCreditsWithheld), 4u);
    rig->run_for(kLongEnough);
    EXPECT_EQ(control.server->connection()->expiry(), kNeverNs);
}

}  // namespace
}  // namespace starling::quic
