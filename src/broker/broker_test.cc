#include "broker/broker.h"

#include <gtest/gtest.h>

#include "broker/testing.h"

namespace starling {
namespace {

class BrokerTest : public testing::Test {
protected:
    using Wire = BrokerRig::Wire;

    // CONNECT of version 3.1.1, and its CONNACK.
    Wire connect3(const std::string& id, bool clean, const char* keep_alive = "0000") {
        const Wire wire = rig.dial();
        const std::string flags = clean ? "02" : "00";
        connack = rig.say(wire, "10 [('MQTT') 04 " + flags + " " + keep_alive + " ('" + id + "')]");
        return wire;
    }
    // The same of version 5: `properties` of CONNECT, `will` as it stands in the payload.
    Wire connect5(const std::string& id, bool clean, const std::string& properties = "",
                  const std::string& will = "") {
        const Wire wire = rig.dial();
        const std::string flags = will.empty() ? (clean ? "02" : "00") : (clean ? "06" : "04");
        connack = rig.say(wire, "10 [('MQTT') 05 " + flags + " 0000 [" + properties + "] ('" + id +
                                    "') " + will + "]");
        return wire;
    }
    // Whether the last CONNACK was a success with that Session Present.
    bool is_welcome(bool present) const {
        return connack.starts_with("20") && connack.substr(4, 4) == (present ? "0100" : "0000");
    }
    void subscribe3(const Wire& wire, const std::string& filter, const std::string& qos = "00") {
        ASSERT_EQ(rig.say(wire, "82 [0001 ('" + filter + "') " + qos + "]"),
                  BrokerRig::hex("90 03 0001 " + qos));
    }
    static std::string hex(std::string_view notation) { return BrokerRig::hex(notation); }

    BrokerRig rig;
    std::string connack;
};

TEST_F(BrokerTest, PublishesToWhoHasSubscribed) {
    const Wire reader = connect3("reader", true);
    EXPECT_EQ(connack, "20020000");
    const Wire writer = connect3("writer", true);
    subscribe3(reader, "a/+", "01");
    EXPECT_EQ(rig.say(writer, "30 [('a/b') 'zero']"), "");
    EXPECT_EQ(rig.heard(reader), hex("30 [('a/b') 'zero']"));
    EXPECT_EQ(rig.say(writer, "32 [('a/b') 0007 'one']"), hex("40 02 0007"));
    EXPECT_EQ(rig.heard(reader), hex("32 [('a/b') 0001 'one']"));
    EXPECT_EQ(rig.say(writer, "34 [('a/b') 0008 'two']"), hex("50 02 0008"));
    EXPECT_EQ(rig.say(writer, "62 02 0008"), hex("70 02 0008"));
    EXPECT_EQ(rig.heard(reader), hex("32 [('a/b') 0002 'two']"));
    EXPECT_EQ(rig.say(reader, "40 02 0001 40 02 0002 A2 [0002 ('a/+')]"), hex("B0 02 0002"));
    rig.say(writer, "30 [('a/b') 'late']");
    EXPECT_EQ(rig.heard(reader), "");
}

TEST_F(BrokerTest, TakesPacketsInPieces) {
    const Wire wire = rig.dial();
    wire->piece = 1;
    EXPECT_EQ(rig.say(wire, "10 [('MQTT') 04 02 0000 ('x')] C0 00"), "20020000D000");
    EXPECT_EQ(rig.say(wire, "C0"), "");
    EXPECT_EQ(rig.say(wire, "00"), "D000");
}

TEST_F(BrokerTest, RetainedMessagesFollowASubscription) {
    const Wire writer = connect3("writer", true);
    rig.say(writer, "31 [('a/b') 'kept']");
    const Wire reader = connect3("reader", true);
    EXPECT_EQ(rig.say(reader, "82 [0001 ('a/#') 00]"), hex("90 03 0001 00 31 [('a/b') 'kept']"));
}

TEST_F(BrokerTest, ClosesAtOneAndAHalfKeepAlives) {
    const Wire wire = connect3("x", true, "000A");
    rig.pass(14'900);
    EXPECT_TRUE(wire->is_open && !wire->is_finished);
    EXPECT_EQ(rig.say(wire, "C0 00"), "D000");
    rig.pass(14'900);
    EXPECT_TRUE(wire->is_open && !wire->is_finished);
    rig.pass(200);
    EXPECT_TRUE(wire->is_finished);
    rig.pass(2'100);  // nobody closes at the other end
    EXPECT_FALSE(wire->is_open);
}

TEST_F(BrokerTest, ClosesWhoSendsNoConnect) {
    const Wire wire = rig.dial();
    rig.pass(29'900);
    EXPECT_TRUE(wire->is_open);
    rig.pass(200);
    EXPECT_FALSE(wire->is_open);
}

TEST_F(BrokerTest, KeepsASessionUntilItExpires) {
    Wire reader = connect5("reader", false, "11 0000000A");
    EXPECT_TRUE(is_welcome(false)) << connack;
    rig.say(reader, "82 [0001 [] ('a') 01]");
    rig.hang_up(reader);
    EXPECT_FALSE(reader->is_open);
    const Wire writer = connect3("writer", true);
    rig.say(writer, "32 [('a') 0001 'kept']");

    rig.pass(9'900);
    reader = connect5("reader", false, "11 0000000A");
    EXPECT_TRUE(is_welcome(true)) << connack;
    EXPECT_TRUE(connack.ends_with(hex("32 [('a') 0001 [] 'kept']"))) << connack;

    rig.hang_up(reader);
    rig.pass(10'100);
    connect5("reader", false, "11 0000000A");
    EXPECT_TRUE(is_welcome(false)) << connack;
}

TEST_F(BrokerTest, SendsAgainWhatWasNotAcknowledged) {
    Wire reader = connect3("reader", false);
    subscribe3(reader, "a", "01");
    const Wire writer = connect3("writer", true);
    rig.say(writer, "32 [('a') 0001 'x']");
    EXPECT_EQ(rig.heard(reader), hex("32 [('a') 0001 'x']"));
    rig.hang_up(reader);
    reader = connect3("reader", false);
    EXPECT_EQ(connack, hex("20 02 0100 3A [('a') 0001 'x']"));
}

TEST_F(BrokerTest, PublishesTheWillAfterItsDelay) {
    const std::string will = "[18 00000005] ('w') ('gone')";
    const Wire watcher = connect3("watcher", true);
    subscribe3(watcher, "w");

    // The delay passes.
    rig.hang_up(connect5("x", true, "11 0000003C", will));
    rig.pass(4'900);
    EXPECT_EQ(rig.heard(watcher), "");
    rig.pass(200);
    EXPECT_EQ(rig.heard(watcher), hex("30 [('w') 'gone']"));

    // The client is back before.
    rig.hang_up(connect5("x", true, "11 0000003C", will));
    rig.pass(4'000);
    connect5("x", false, "11 0000003C");
    rig.pass(10'000);
    EXPECT_EQ(rig.heard(watcher), "");

    // The session ends before.
    rig.hang_up(connect5("y", true, "11 00000002", will));
    rig.pass(2'100);
    EXPECT_EQ(rig.heard(watcher), hex("30 [('w') 'gone']"));

    // It says good-bye.
    EXPECT_EQ(rig.say(connect5("z", true, "", will), "E0 00"), "");
    rig.pass(10'000);
    EXPECT_EQ(rig.heard(watcher), "");
}

TEST_F(BrokerTest, TheNewConnectionTakesTheSessionOver) {
    const Wire first = connect5("x", true, "11 0000003C");
    rig.say(first, "82 [0001 [] ('a') 01]");
    const Wire second = connect5("x", false, "11 0000003C");
    EXPECT_TRUE(is_welcome(true)) << connack;
    EXPECT_TRUE(rig.heard(first).starts_with("E0")) << "DISCONNECT";
    EXPECT_TRUE(first->is_finished);
    rig.say(second, "32 [('a') 0001 [] 'x']");
    EXPECT_EQ(rig.say(first, "C0 00"), "");  // nobody listens any more
    const Wire third = connect5("x", true, "");
    EXPECT_TRUE(is_welcome(false)) << connack;
    EXPECT_TRUE(second->is_finished);
}

TEST_F(BrokerTest, ASlowReaderGetsItsQueueInOrder) {
    const Wire reader = connect3("reader", true);
    subscribe3(reader, "a", "01");
    const Wire writer = connect3("writer", true);
    rig.set_room(reader, 0);
    const std::string payload(8'000, 'p');
    for (int i = 1; i <= 50; ++i)  // more than its outbox takes
        rig.say(writer, "32 [('a') 0001 '" + payload + "']");
    EXPECT_EQ(rig.heard(reader), "");
    rig.set_room(reader, ~std::size_t{0});
    rig.turn();
    std::string expected;
    for (unsigned i = 1; i <= 50; ++i) {
        const std::string id = {"0123456789ABCDEF"[i >> 4], "0123456789ABCDEF"[i & 15]};
        expected += hex("32 [('a') 00" + id + " '" + payload + "']");
    }
    EXPECT_TRUE(rig.heard(reader) == expected);
    EXPECT_EQ(rig.broker().counters()[Count::PublishSent], 50u);
    EXPECT_EQ(rig.broker().counters()[Count::DroppedQueueFull], 0u);
}

TEST_F(BrokerTest, KeepsNoBytesOfAStrangerThatCannotBecomeAConnect) {
    const Wire wire = rig.dial();
    EXPECT_EQ(rig.say(wire, "30 FF FF 03 00"), "");  // the start of a PUBLISH of 64 KiB
    EXPECT_FALSE(wire->is_open);
}

TEST_F(BrokerTest, DeliversOnceWhatItHasNoRoomToRetain) {
    BrokerOptions options = BrokerRig::quiet();
    options.retained_messages = 0;
    BrokerRig full(options);
    const Wire reader = full.dial();
    full.say(reader, "10 [('MQTT') 04 02 0000 ('r')] 82 [0001 ('a') 00]");
    const Wire writer = full.dial();
    full.say(writer, "10 [('MQTT') 04 02 0000 ('w')]");
    for (const char* first_byte : {"35", "3D"})  // the same again with DUP
        EXPECT_EQ(full.say(writer, std::string(first_byte) + " [('a') 0001 'x']"),
                  hex("50 02 0001"));
    EXPECT_EQ(full.heard(reader), hex("30 [('a') 'x']"));
}

TEST_F(BrokerTest, AnAliasNeverLiftsAPacketAboveTheMaximum) {
    const Wire reader = connect5("reader", true, "22 0002 27 00000010");
    rig.say(reader, "82 [0001 [] ('t') 00]");
    const Wire writer = connect3("writer", true);
    rig.say(writer, "30 [('t') '12345']");
    EXPECT_EQ(rig.heard(reader), hex("30 [('t') [23 0001] '12345']"));
    // 16 bytes with the topic; the alias that the client knows by now would take 18.
    rig.say(writer, "30 [('t') '1234567890']");
    EXPECT_EQ(rig.heard(reader), hex("30 [('t') [] '1234567890']"));
}

TEST_F(BrokerTest, ManyReplaysTakeSeveralTurns) {
    const Wire writer = connect3("writer", true);
    constexpr int kTopics = 200;
    for (int i = 0; i < kTopics; ++i) rig.say(writer, "31 [('t/" + std::to_string(i) + "') 'x']");
    std::string filters;
    for (int i = 0; i < 100; ++i) filters += " ('+/" + std::to_string(i) + "') 00";
    const Wire reader = connect3("reader", true);
    EXPECT_EQ(rig.say(reader, "82 [0001" + filters + "]").size() / 2,
              hex("90 [0001]").size() / 2 + 100 + 10 * hex("31 [('t/0') 'x']").size() / 2 +
                  90 * hex("31 [('t/00') 'x']").size() / 2);
}

TEST_F(BrokerTest, WhatElseAClientCostsLeavesLessForItsQueue) {
    BrokerOptions options = BrokerRig::quiet();
    options.client_bytes = 10'000;
    // How many of fifty messages of 500 bytes wait for an absent client with so many subscriptions.
    const auto waiting = [&](int subscriptions) {
        BrokerRig few(options);
        const Wire reader = few.dial();
        few.say(reader, "10 [('MQTT') 04 00 0000 ('reader')]");
        std::string filters = " ('a') 01";
        for (int i = 1; i < subscriptions; ++i) filters += " ('" + std::to_string(i) + "') 01";
        few.say(reader, "82 [0001" + filters + "] E0 00");
        const Wire writer = few.dial();
        few.say(writer, "10 [('MQTT') 04 02 0000 ('writer')]");
        const std::string payload(500, 'x');
        for (int i = 0; i < 50; ++i) few.say(writer, "32 [('a') 0001 '" + payload + "']");
        const Wire again = few.dial();
        const std::string heard = few.say(again, "10 [('MQTT') 04 00 0000 ('reader')]");
        return heard.size() / 2 / (payload.size() + 8);
    };
    EXPECT_GT(waiting(1), 12u);
    EXPECT_LT(waiting(200), waiting(1) - 5);
    EXPECT_EQ(waiting(500), 1u);
}

TEST_F(BrokerTest, APingIsAnsweredWithinTwoTurnsWhile500ClientsLeave) {
    const Wire pinger = connect3("pinger", true);
    std::vector<Wire> crowd;
    for (int client = 0; client < 500; ++client) {
        crowd.push_back(connect3("c" + std::to_string(client), true));
        std::string filters;
        for (int filter = 0; filter < 16; ++filter)
            filters += " ('" + std::to_string(client) + "/+/" + std::to_string(filter) + "') 01";
        rig.say(crowd.back(), "82 [0001" + filters + "]");
    }
    for (const Wire& wire : crowd) wire->is_ended = wire->news.readable = wire->news.ended = true;
    rig.send(pinger, "C0 00");
    rig.turn_core(0);
    rig.turn_core(0);
    EXPECT_EQ(rig.heard(pinger), "D000");
}

TEST_F(BrokerTest, OneTurnHandlesSoManyPacketsAndTheNextGoesOn) {
    constexpr std::uint32_t kClients = 2 * limits::kPacketsPerTurnInAll / limits::kPacketsPerTurn;
    std::vector<Wire> crowd;
    std::string pings;
    for (std::uint32_t i = 0; i < limits::kPacketsPerTurn; ++i) pings += " C0 00";
    for (std::uint32_t i = 0; i < kClients; ++i)
        crowd.push_back(connect3("c" + std::to_string(i), true));
    for (const Wire& wire : crowd) rig.send(wire, pings);
    const auto handled = [&] { return rig.broker().counters()[Count::PacketsReceived]; };
    const std::uint64_t before = handled();
    rig.turn_core(0);
    EXPECT_EQ(handled(), before + limits::kPacketsPerTurnInAll);
    EXPECT_EQ(rig.broker().counters()[Count::TurnsCutReads], 1u);
    rig.turn();
    for (const Wire& wire : crowd)
        EXPECT_EQ(rig.heard(wire).size(), std::size_t{limits::kPacketsPerTurn} * 4);
}

TEST_F(BrokerTest, WhomTheBudgetOfATurnLeavesOutHasATurnBeforeTheOthersHaveAnother) {
    std::vector<Wire> crowd;
    std::string pings;
    for (std::uint32_t i = 0; i < 5 * limits::kPacketsPerTurn; ++i) pings += " C0 00";
    for (int i = 0; i < 25; ++i) crowd.push_back(connect3("c" + std::to_string(i), true));
    const Wire modest = connect3("modest", true);
    for (const Wire& wire : crowd) rig.send(wire, pings);
    rig.send(modest, "C0 00");
    rig.turn_core(0);  // twenty of the crowd, twice each
    rig.turn_core(0);
    rig.turn_core(0);
    EXPECT_EQ(rig.heard(modest), "D000");
}

TEST_F(BrokerTest, AnEndAndAKeepAliveMayComeInOneTurn) {
    const Wire first = connect3("first", true);
    const Wire wire = connect3("x", true, "000A");
    rig.skip(16'000);
    wire->is_ended = wire->news.readable = wire->news.ended = true;
    rig.turn();
    EXPECT_FALSE(wire->is_open);
    EXPECT_EQ(rig.say(first, "C0 00"), "D000");
}

TEST_F(BrokerTest, AReplayMayBeginWithTheLastOfATurnsBudget) {
    const Wire writer = connect3("writer", true);
    rig.say(writer, "31 [('keep/x') 'kept']");
    std::vector<Wire> crowd;
    for (int i = 0; i < 10; ++i) crowd.push_back(connect3("c" + std::to_string(i), true));
    // 9,999 looks of one topic each, then one that needs more.
    for (int i = 0; i < 10; ++i) {
        std::string filters;
        for (int filter = 0; filter < (i == 9 ? 999 : 1'000); ++filter)
            filters += " ('" + std::to_string(filter) + "') 00";
        if (i == 9) filters += " ('keep/#') 00";
        rig.send(crowd[i], "82 [0001" + filters + "]");
    }
    rig.turn();
    const std::string retained = hex("31 [('keep/x') 'kept']");
    EXPECT_TRUE(rig.heard(crowd[9]).ends_with(retained));
}

TEST_F(BrokerTest, StopSendsEverybodyAway) {
    const Wire wire = connect5("x", true);
    const Wire silent = rig.dial();
    rig.broker().stop();
    rig.turn();
    EXPECT_EQ(rig.heard(wire), hex("E0 01 8B"));
    EXPECT_FALSE(silent->is_open);
    EXPECT_FALSE(rig.broker().is_stopped());
    rig.hang_up(wire);
    EXPECT_TRUE(rig.broker().is_stopped());
}

}  // namespace
}  // namespace starling
