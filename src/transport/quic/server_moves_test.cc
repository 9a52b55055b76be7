// Connections that go from the core where they arrived to another.
#include <algorithm>
#include <functional>
#include <span>

#include "transport/quic/endpoint_testing.h"

namespace starling::quic {

// Looks into windows.
struct QuicConnectionProbe {
    static std::span<const std::uint64_t> enter(QuicConnection& connection) {
        WindowHeap& heap = connection.host_->windows().enter(connection.place_);
        return {reinterpret_cast<const std::uint64_t*>(&heap), heap.used() / 8};
    }
    static void leave(QuicConnection& connection) {
        connection.host_->windows().leave(connection.place_);
    }
};

namespace {

constexpr CoreId kCores = 3;

class ServerMovesTest : public EndpointTest {
protected:
    void SetUp() override { make({}, kCores); }

    // A client, its first stream, and the core where it arrived.
    struct Guest {
        Pair pair;
        CoreId core = 0;
        Handle client;
    };
    Guest welcome() {
        Guest guest;
        guest.client = knock();
        guest.pair = open_stream(*rig->client(guest.client));
        const QuicConnection* connection = guest.pair.server->connection();
        while (rig->server(guest.core).find(connection->self()) != connection) ++guest.core;
        return guest;
    }

    // A core that is full lets nobody in.
    Handle knock() {
        while (true) {
            const Handle handle = rig->connect();
            const auto is_open = [&] { return rig->client(handle)->is_tls_free(); };
            rig->run_until([&] { return !rig->client(handle) || is_open(); });
            if (rig->client(handle)) return handle;
        }
    }

    // One that has arrived at `core`: which that is, is chance.
    Guest welcome_at(CoreId core) {
        while (true) {
            Guest guest = welcome();
            if (guest.core == core) return guest;
            guest.pair = {};
            rig->run_for(10 * kSecond);
        }
    }

    static CoreId other(CoreId core, int step = 1) {
        return static_cast<CoreId>((core + step) % kCores);
    }

    void expect_echo(Pair& pair, const std::string& text) {
        write(*pair.client, text);
        rig->run_for(kSecond);
        EXPECT_EQ(read(*pair.server), text);
        write(*pair.server, text);
        rig->run_for(kSecond);
        EXPECT_EQ(read(*pair.client), text);
    }

    void expect_nothing_left() {
        rig->run_for(kLongEnough);
        for (CoreId core = 0; core < kCores; ++core) {
            SCOPED_TRACE(core);
            EXPECT_EQ(rig->server(core).size(), 0u);
            EXPECT_EQ(rig->server(core).moved(), 0u);
            EXPECT_EQ(rig->server(core).held(), 0u);
            EXPECT_EQ(rig->server(core).windows().counts().parked, 0u);
            EXPECT_EQ(rig->server(core).windows().counts().blob_bytes, 0u);
        }
    }
};

INSTANTIATE_TEST_SUITE_P(, ServerMovesTest, testing::Bool(), [](const auto& one) {
    return std::string(one.param ? "parked" : "resident");
});

TEST_P(ServerMovesTest, AConnectionGoesOnAtItsNewCore) {
    Guest guest = welcome();
    const CoreId home = other(guest.core);
    ASSERT_TRUE(rig->move(*guest.pair.server, home));
    rig->run_for(kSecond);
    EXPECT_EQ(rig->server(guest.core).size(), 0u);
    EXPECT_EQ(rig->server(guest.core).moved(), 1u);
    EXPECT_EQ(rig->server(home).size(), 1u);
    EXPECT_EQ(guest.pair.server->peer_address(), "198.51.100.7:40000");
    EXPECT_EQ(count(QuicCount::Departures, guest.core), 1u);
    EXPECT_EQ(count(QuicCount::Arrivals, home), 1u);

    const std::uint64_t before = count(QuicCount::Forwarded, guest.core);
    expect_echo(guest.pair, "hello");
    EXPECT_GE(count(QuicCount::Forwarded, guest.core), before + 1);
    EXPECT_EQ(count(QuicCount::ForwardsDropped, guest.core), 0u);
    rig->run_for(24 * 3600 * kSecond);
    EXPECT_EQ(guest.pair.server->connection()->expiry(), kNeverNs);
    expect_echo(guest.pair, "still here");
    guest.pair = {};
    expect_nothing_left();
}

// Attached again where it was it goes on as well.
TEST_P(ServerMovesTest, AConnectionComesBackToItsOwnCore) {
    Guest guest = welcome();
    ASSERT_TRUE(rig->move(*guest.pair.server, guest.core));
    expect_echo(guest.pair, "hello");
    EXPECT_EQ(count(QuicCount::Forwarded, guest.core), 0u);
    EXPECT_EQ(rig->server(guest.core).size(), 1u);
    guest.pair = {};
    expect_nothing_left();
}

TEST_P(ServerMovesTest, StreamsThatWaitMoveWithTheirBytes) {
    Guest guest = welcome();
    QuicConnection& client = *rig->client(guest.client);
    std::vector<std::unique_ptr<QuicStream>> others;
    for (const char* text : {"one", "two", "three"}) {
        others.push_back(std::make_unique<QuicStream>(rig->clients(), *client.open_stream()));
        write(*others.back(), text);
    }
    others.back()->finish();
    rig->run_for(kSecond);
    const CoreId home = other(guest.core);
    ASSERT_TRUE(rig->move(*guest.pair.server, home));
    std::vector<Readiness> news;
    rig->server(home).take_news(news);
    ASSERT_EQ(news.size(), 1u);
    EXPECT_TRUE(news[0].opened);
    for (const char* text : {"one", "two", "three"}) {
        auto stream = guest.pair.server->accept();
        ASSERT_TRUE(stream);
        EXPECT_EQ(read(*stream), text);
        write(*stream, "answer");
        rig->run_for(kSecond);
        EXPECT_EQ(read(*others.front()), "answer");
        others.erase(others.begin());
    }
    // Those that are opened later come there too.
    Pair later{std::make_unique<QuicStream>(rig->clients(), *client.open_stream()), nullptr};
    write(*later.client, "x");
    rig->run_for(kSecond);
    later.server = rig->take_server_stream();
    ASSERT_TRUE(later.server);
    EXPECT_EQ(read(*later.server), "x");
    expect_echo(later, "late");
    later = {};
    guest.pair = {};
    expect_nothing_left();
}

// Unread, unsent and unacknowledged bytes of both directions, whatever the network loses.
TEST_P(ServerMovesTest, BytesOnTheWayArriveOnce) {
    struct Case {
        std::uint32_t loss_percent;
        TimeNs moves_after;
    };
    static constexpr Case cases[] = {{0, 0},
                                     {0, 15 * kMillisecond},
                                     {5, 25 * kMillisecond},
                                     {10, 100 * kMillisecond},
                                     {20, 400 * kMillisecond}};
    for (std::uint64_t seed = 1; seed <= (GetParam() ? 1 : 10) && !HasFailure(); ++seed)
        for (const Case& c : cases) {
            SCOPED_TRACE("seed " + std::to_string(seed) + ", loss " +
                         std::to_string(c.loss_percent));
            rig = std::make_unique<QuicRig>(QuicRig::Setup{
                .seed = seed, .parks_always = GetParam(), .windows = 2, .cores = kCores});
            Guest guest = welcome();
            rig->network.weather = {.jitter = 5 * kMillisecond, .loss_percent = c.loss_percent};
            std::string said, answered;
            for (int i = 0; i < 6'000; ++i) {
                said += static_cast<char>('a' + i % 23);
                answered += static_cast<char>('A' + i % 19);
            }
            std::string unsaid = said, unanswered = answered, heard, learned;
            const auto talk = [&] {
                unsaid.erase(0, write(*guest.pair.client, unsaid));
                unanswered.erase(0, write(*guest.pair.server, unanswered));
                heard += read(*guest.pair.server);
                learned += read(*guest.pair.client);
                return heard.size() >= said.size() && learned.size() >= answered.size();
            };
            rig->run_until(talk, c.moves_after);
            ASSERT_TRUE(rig->move(*guest.pair.server, other(guest.core)));
            EXPECT_TRUE(rig->run_until(talk, 600 * kSecond));
            EXPECT_EQ(heard, said);
            EXPECT_EQ(learned, answered);
            rig->network.weather = {};
            guest.pair = {};
            expect_nothing_left();
        }
}

// Between detach and attach, which takes as long as the mail of the broker.
TEST_P(ServerMovesTest, WhatComesInBetweenIsHeld) {
    struct Case {
        std::uint32_t held_datagrams;
        bool is_in_time;  // else it has to be sent again
    };
    for (const Case c : {Case{8, true}, Case{1, false}}) {
        make({.held_datagrams = c.held_datagrams}, kCores);
        Guest guest = welcome();
        rig->run_for(kSecond);
        guest.pair.server->detach();
        for (const char* text : {"a", "b", "c"}) {
            write(*guest.pair.client, text);
            rig->run_for(11 * kMillisecond);
        }
        EXPECT_EQ(rig->server(guest.core).held(), std::min(c.held_datagrams, 3u));
        EXPECT_EQ(count(QuicCount::ForwardsDropped, guest.core) != 0, !c.is_in_time);
        ASSERT_TRUE(guest.pair.server->attach(rig->poller(other(guest.core)), 5));
        rig->run_for(0);
        EXPECT_EQ(rig->server(guest.core).held(), 0u);
        EXPECT_EQ(read(*guest.pair.server), c.is_in_time ? "abc" : "a");
        rig->run_for(10 * kSecond);
        EXPECT_EQ(read(*guest.pair.server), c.is_in_time ? "" : "bc");
        guest.pair = {};
        expect_nothing_left();
    }
}

TEST_P(ServerMovesTest, DestroyedOnTheWayItLeavesNothing) {
    Guest guest = welcome();
    QuicStream other_stream(rig->clients(), *rig->client(guest.client)->open_stream());
    write(other_stream, "x");
    rig->run_for(kSecond);
    write(*guest.pair.server, "never acknowledged");
    guest.pair.server->detach();
    write(*guest.pair.client, "held");
    rig->run_for(15 * kMillisecond);
    EXPECT_EQ(rig->server(guest.core).moved(), 1u);
    EXPECT_EQ(rig->server(guest.core).held(), 1u);
    guest.pair.server.reset();
    rig->run_for(0);
    EXPECT_EQ(rig->server(guest.core).moved(), 0u);
    EXPECT_EQ(rig->server(guest.core).held(), 0u);
    rig->run_for(10 * kSecond);
    const QuicConnection* client = rig->client(guest.client);
    EXPECT_TRUE(!client || client->was_reset()) << "the client has spoken, and been told";
    expect_nothing_left();
}

TEST_P(ServerMovesTest, AnEndIsToldWhereverItHappens) {
    struct Case {
        const char* what;
        void (*act)(Guest& guest);
    };
    static constexpr Case cases[] = {
        {"the client drops", [](Guest& guest) { guest.pair.client.reset(); }},
        {"the server drops", [](Guest& guest) { guest.pair.server.reset(); }},
        {"the client closes",
         [](Guest& guest) { guest.pair.client->connection()->close(std::uint32_t{0}); }},
        {"the server resets", [](Guest& guest) { guest.pair.server->reset(0x8E); }},
        {"the server says its last words",
         [](Guest& guest) {
             write(*guest.pair.server, "bye");
             guest.pair.server->finish();
             guest.pair.server.reset();
         }},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.what);
        make({}, kCores);
        Guest guest = welcome();
        ASSERT_TRUE(rig->move(*guest.pair.server, other(guest.core)));
        rig->run_for(kSecond);
        c.act(guest);
        rig->run_for(kSecond);
        if (guest.pair.client) {
            EXPECT_EQ(guest.pair.client->connection(), nullptr);
        }
        if (guest.pair.server) {
            EXPECT_EQ(guest.pair.server->connection(), nullptr);
        }
        expect_nothing_left();
        // Whoever names it now is told that it is gone.
        EXPECT_EQ(rig->server(guest.core).moved(), 0u);
    }
}

// It has ended before it left: then only its end goes.
TEST_P(ServerMovesTest, AnEndMoves) {
    Guest guest = welcome();
    write(*guest.pair.client, "unread");
    guest.pair.client->finish();
    rig->run_for(kSecond);
    guest.pair.client.reset();
    rig->run_for(kLongEnough);
    ASSERT_EQ(guest.pair.server->connection(), nullptr);
    const CoreId home = other(guest.core);
    ASSERT_TRUE(rig->move(*guest.pair.server, home));
    std::vector<Readiness> news;
    rig->server(home).take_news(news);
    ASSERT_EQ(news.size(), 1u);
    EXPECT_TRUE(news[0].readable && news[0].ended);
    EXPECT_EQ(read(*guest.pair.server), "unread");
    EXPECT_EQ(read(*guest.pair.server), "error 0");
    expect_nothing_left();
}

TEST_P(ServerMovesTest, WhatCannotLeaveIsClosed) {
    struct Case {
        const char* what;
        std::uint32_t connections;
        std::function<void(Guest&)> before;
    };
    std::vector<std::unique_ptr<Stream>> kept;
    const Case cases[] = {
        {"it has moved before", 10,
         [&](Guest& guest) {
             ASSERT_TRUE(rig->move(*guest.pair.server, other(guest.core)));
             rig->run_for(kSecond);
         }},
        {"a stream beside the first was accepted", 10,
         [&](Guest& guest) {
             Pair pair = open_stream(*rig->client(guest.client));
             kept.push_back(std::move(pair.client));
             kept.push_back(std::move(pair.server));
         }},
        {"as many have left already", 2,
         [&](Guest& guest) {
             for (int step = 1; step <= 2; ++step) {
                 ASSERT_TRUE(rig->move(*guest.pair.server, other(guest.core, step)));
                 rig->run_for(kSecond);
                 kept.push_back(std::move(guest.pair.client));
                 kept.push_back(std::move(guest.pair.server));
                 guest = welcome_at(guest.core);
             }
         }},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.what);
        make({.connections = c.connections}, kCores);
        Guest guest = welcome();
        c.before(guest);
        guest.pair.server->detach();
        EXPECT_FALSE(guest.pair.server->attach(rig->poller(other(guest.core, 2)), 1));
        rig->run_until([&] { return guest.pair.client->connection() == nullptr; });
        ASSERT_TRUE(rig->client(guest.client));
        EXPECT_EQ(rig->client(guest.client)->close_code(), 2u);
        std::uint64_t refused = 0;
        for (CoreId core = 0; core < kCores; ++core)
            refused += count(QuicCount::MovesRefused, core);
        EXPECT_EQ(refused, 1u);
        guest.pair = {};
        kept.clear();
        expect_nothing_left();
    }
}

TEST_P(ServerMovesTest, WhereThereIsNoRoomItDoesNotSettle) {
    make({.connections = 1}, kCores);
    Guest first = welcome_at(0), second = welcome_at(1);
    ASSERT_TRUE(rig->move(*first.pair.server, 2));
    EXPECT_FALSE(rig->move(*second.pair.server, 2));
    second.pair.server.reset();
    rig->run_for(kSecond);
    EXPECT_EQ(rig->server(1).moved(), 0u);
    expect_echo(first.pair, "not touched");
    first.pair = {};
    second.pair = {};
    expect_nothing_left();
}

// The first core handed out the ids of the handshake; those that replace them are of the new one.
TEST_P(ServerMovesTest, IdsIssuedAfterwardsNameTheNewCore) {
    Guest guest = welcome();
    const CoreId home = other(guest.core);
    ASSERT_TRUE(rig->move(*guest.pair.server, home));
    expect_echo(guest.pair, "forwarded");
    for (std::uint16_t port = 1'000; port < 1'004; ++port) {
        ASSERT_TRUE(rig->client(guest.client)
                        ->migrate({test_address("203.0.113.9", port), rig->server_address()}));
        expect_echo(guest.pair, "moved");
        rig->run_for(10 * kSecond);
        EXPECT_EQ(guest.pair.server->peer_address(), "203.0.113.9:" + std::to_string(port));
    }
    const std::uint64_t forwarded = count(QuicCount::Forwarded, guest.core);
    EXPECT_GT(forwarded, 0u);
    expect_echo(guest.pair, "direct");
    EXPECT_EQ(count(QuicCount::Forwarded, guest.core), forwarded);
    EXPECT_EQ(count(QuicCount::DatagramsReceived, home) != 0, true);
    guest.pair = {};
    expect_nothing_left();
}

TEST_P(ServerMovesTest, PeersChangeKeysAndAddressesAfterwards) {
    Guest guest = welcome();
    ASSERT_TRUE(guest.pair.client->connection()->update_keys());
    expect_echo(guest.pair, "before");
    rig->run_for(kLongEnough);
    ASSERT_TRUE(rig->move(*guest.pair.server, other(guest.core)));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(guest.pair.client->connection()->update_keys()) << i;
        expect_echo(guest.pair, "client's");
        rig->run_for(kLongEnough);
        ASSERT_TRUE(guest.pair.server->connection()->update_keys()) << i;
        expect_echo(guest.pair, "server's");
        rig->run_for(kLongEnough);
    }
    rig->client_port().rebind(50'001);
    expect_echo(guest.pair, "rebound");
    EXPECT_EQ(guest.pair.server->peer_address(), "198.51.100.7:50001");
}

// A kernel that does not steer brings everything to the wrong core.
TEST_P(ServerMovesTest, StraysReachTheirCore) {
    rig->strays = true;
    Guest guest = welcome();
    expect_echo(guest.pair, "astray");
    ASSERT_TRUE(rig->move(*guest.pair.server, other(guest.core)));
    expect_echo(guest.pair, "astray and forwarded");
    std::uint64_t strays = 0;
    for (CoreId core = 0; core < kCores; ++core) strays += count(QuicCount::Strays, core);
    EXPECT_GE(strays, 8u);
    guest.pair = {};
    expect_nothing_left();
}

TEST_P(ServerMovesTest, WhatIsForAnotherCoreGoesThere) {
    for (unsigned first_byte = 0; first_byte < 9; ++first_byte) {
        const ByteVector datagram{std::byte{0x43}, static_cast<std::byte>(first_byte)};
        rig->server(1).receive_from_network(
            {datagram, {rig->server_address(), rig->client_address()}});
    }
    rig->carry_mail();
    EXPECT_EQ(count(QuicCount::Strays, 1), 6u);
    for (CoreId core = 0; core < kCores; ++core) EXPECT_EQ(count(QuicCount::Malformed, core), 3u);
}

TEST_P(ServerMovesTest, DatagramsOnTheWayAreBounded) {
    make({.forwards = 2}, kCores);
    const ByteVector datagram{std::byte{0x43}, std::byte{0}};
    const Path path{rig->server_address(), rig->client_address()};
    for (int i = 0; i < 5; ++i) rig->server(1).receive_from_network({datagram, path});
    EXPECT_EQ(count(QuicCount::ForwardsDropped, 1), 3u);
    rig->carry_mail();
    EXPECT_EQ(count(QuicCount::Malformed, 0), 2u);
    rig->carry_mail();
    rig->server(1).receive_from_network({datagram, path});
    EXPECT_EQ(count(QuicCount::ForwardsDropped, 1), 3u) << "those have been handled";
}

// Each core reads the clock once a wait; the library takes no time that is before its last.
TEST_P(ServerMovesTest, TheNewCoresClockMayBeBehind) {
    Guest guest = welcome();
    rig->server(guest.core).set_time(rig->network.now + 5 * kMillisecond, kWallStartS);
    write(*guest.pair.server, "ahead");
    ASSERT_TRUE(rig->move(*guest.pair.server, other(guest.core)));
    write(*guest.pair.server, "!");
    rig->server(other(guest.core)).flush();
    rig->run_for(kSecond);
    EXPECT_EQ(read(*guest.pair.client), "ahead!");
}

TEST_P(ServerMovesTest, NothingInAWindowPointsAtTheCoreThatItLeft) {
    Guest guest = welcome();
    QuicConnection& connection = *guest.pair.server->connection();
    const auto before =
        reinterpret_cast<std::uint64_t>(QuicConnectionProbe::enter(connection).data());
    QuicConnectionProbe::leave(connection);
    ASSERT_TRUE(rig->move(*guest.pair.server, other(guest.core)));
    expect_echo(guest.pair, "used");
    const auto points_into = [](std::uint64_t word, const void* at, std::size_t size) {
        return word - reinterpret_cast<std::uint64_t>(at) < size;
    };
    const auto words = QuicConnectionProbe::enter(connection);
    const auto count_of = [&](const void* at, std::size_t size) {
        return std::ranges::count_if(
            words, [&](std::uint64_t word) { return points_into(word, at, size); });
    };
    EXPECT_EQ(count_of(reinterpret_cast<const void*>(before), WindowCache::kWindowBytes), 0);
    EXPECT_EQ(count_of(&rig->server(guest.core), sizeof(QuicServer)), 0);
    EXPECT_EQ(count_of(&rig->server(other(guest.core)), sizeof(QuicServer)),
              std::ptrdiff_t{kCiphers})
        << "the names of ciphers";
    QuicConnectionProbe::leave(connection);
}

}  // namespace
}  // namespace starling::quic
