#include "transport/quic/wake_gate.h"

#include <gtest/gtest.h>

#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

constexpr std::uint32_t kPlaces = 5;
constexpr std::uint32_t kWindows = 8;
constexpr std::size_t kClients = 40;

// Clients at rest, each with a stream, and a server that sends to all of them at once.
class WakeGateTest : public testing::Test {
protected:
    static QuicRig::Setup setup() {
        QuicRig::Setup setup{.windows = kWindows};
        setup.options.wakes = kPlaces;
        return setup;
    }

    struct Pair {
        std::unique_ptr<QuicStream> client, server;
        bool is_written = false;
        std::string heard;
    };

    void SetUp() override {
        for (std::size_t i = 0; i < kClients; ++i) add(i);
        rig.run_for(10 * kSecond);
        take_news();
        ASSERT_GE(rig.server().counters()[QuicCount::Parked], kClients - kWindows);
        ASSERT_EQ(awake(), 0u);
    }

    void add(std::size_t number) {
        const Handle handle = rig.connect();
        rig.run_until([&] { return rig.client(handle)->is_tls_free(); });
        Pair pair;
        pair.client =
            std::make_unique<QuicStream>(rig.clients(), *rig.client(handle)->open_stream());
        EXPECT_EQ(write(*pair.client), 1u);
        rig.run_until([&] { return pair.server || (pair.server = rig.take_server_stream()); });
        std::byte byte;
        EXPECT_EQ(pair.server->read({&byte, 1})->bytes, 1u);
        EXPECT_TRUE(pair.server->attach(no_poller, number));
        pairs.push_back(std::move(pair));
    }

    static std::size_t write(Stream& stream) {
        char text = 'x';
        const iovec piece{&text, 1};
        const auto taken = stream.write({&piece, 1});
        return taken ? *taken : 0;
    }

    std::vector<Readiness> take_news() {
        std::vector<Readiness> news;
        rig.server().take_news(news);
        return news;
    }

    std::uint64_t awake() { return rig.server().counters()[QuicCount::Awake]; }

    void try_all() {
        for (Pair& pair : pairs) pair.is_written = pair.is_written || write(*pair.server) == 1;
    }

    // Who was told that there is room tries again.
    void try_again() {
        for (const Readiness& one : take_news())
            if (Pair& pair = pairs[one.token]; one.writable && pair.server && !pair.is_written)
                pair.is_written = write(*pair.server) == 1;
    }

    std::size_t written() const {
        return static_cast<std::size_t>(std::ranges::count(pairs, true, &Pair::is_written));
    }

    // Until every client that is still served has heard one byte.
    bool all_hear() {
        return rig.run_until([&] {
            most_awake = std::max(most_awake, awake());
            try_again();
            std::byte byte;
            for (Pair& pair : pairs)
                if (pair.server && pair.client->read({&byte, 1})->bytes == 1) pair.heard += 'x';
            return std::ranges::all_of(
                pairs, [](const Pair& one) { return !one.server || one.heard == "x"; });
        });
    }

    QuicRig rig{setup()};
    NoPoller no_poller;
    std::vector<Pair> pairs;
    std::uint64_t most_awake = 0;
};

TEST_F(WakeGateTest, SoManyAreAwakeAtATimeAndAllHear) {
    try_all();
    EXPECT_GE(written(), kPlaces);
    EXPECT_LE(written(), kPlaces + kWindows) << "those in their windows need no place";
    EXPECT_EQ(rig.server().counters()[QuicCount::WakesDelayed], kClients - written());
    EXPECT_TRUE(all_hear());
    EXPECT_EQ(most_awake, kPlaces);
    rig.run_for(kSecond);
    EXPECT_EQ(awake(), 0u);
}

// Each place is lent for a probe timeout: nobody is kept waiting by the dead.
TEST_F(WakeGateTest, WhoNeverAcknowledgesGivesItsPlaceBack) {
    rig.network.weather.loss_percent = 100;
    try_all();
    const std::size_t at_first = written();
    EXPECT_LT(at_first, kClients);
    EXPECT_TRUE(rig.run_until([&] {
        EXPECT_LE(awake(), kPlaces);
        try_again();
        return written() == kClients;
    }));
    EXPECT_LE(rig.network.now, kTimeStart + 60 * kSecond);
    rig.network.weather.loss_percent = 0;
    EXPECT_TRUE(all_hear());
    rig.run_for(10 * kSecond);
    EXPECT_EQ(awake(), 0u);
}

// Its place comes when it needs none any more, and then it falls silent.
TEST_F(WakeGateTest, WhoWasHeardWhileItWaitedGivesItsPlaceBack) {
    try_all();
    Pair& waiting = *std::ranges::find(pairs, false, &Pair::is_written);
    EXPECT_EQ(write(*waiting.client), 1u);
    rig.run_for(rig.network.weather.delay + kMillisecond);
    EXPECT_TRUE(waiting.is_written = write(*waiting.server) == 1);
    rig.network.weather.loss_percent = 100;
    EXPECT_TRUE(rig.run_until(
        [&] {
            try_again();
            return written() == kClients && awake() == 0;
        },
        20 * kSecond));
}

TEST_F(WakeGateTest, WhoEndsWhileItWaitsHoldsUpNobody) {
    try_all();
    std::size_t number = 0;
    for (Pair& pair : pairs)
        if (!pair.is_written && ++number % 2 == 0) pair.server.reset();
    EXPECT_TRUE(all_hear());
}

// The core does not sleep over it.
TEST_F(WakeGateTest, WhoHasNothingLeftGivesItsPlaceToTheNext) {
    try_all();
    const std::size_t waiting = kClients - written();
    rig.run_for(kSecond);
    std::size_t told = 0;
    while (rig.server().has_news()) {
        told += take_news().size();  // and nobody writes
        rig.server().flush();
    }
    EXPECT_GE(told, waiting);
    EXPECT_EQ(awake(), 0u);
}

TEST(WakeGate, ServesInTheOrderOfComing) {
    WakeGate gate(1);
    EXPECT_TRUE(gate.enter());
    gate.wait({.index = 1, .generation = 1});
    gate.wait({.index = 2, .generation = 1});
    EXPECT_FALSE(gate.has_next());
    gate.leave();
    EXPECT_FALSE(gate.enter()) << "others were here before";
    ASSERT_TRUE(gate.has_next());
    EXPECT_EQ(gate.next().index, 1u);
    EXPECT_EQ(gate.awake(), 1u);
    gate.leave();
    EXPECT_EQ(gate.next().index, 2u);
}

}  // namespace
}  // namespace starling::quic
