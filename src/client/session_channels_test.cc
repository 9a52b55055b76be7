// A client's streams beside its first.
#include <set>

#include <gtest/gtest.h>

#include "client/testing.h"

namespace starling {
namespace {

using Streams = std::initializer_list<std::uint16_t>;

OutgoingMessage message(std::uint16_t stream, std::string_view payload, Qos qos) {
    const Bytes bytes = as_bytes(payload);
    return {.topic = "a",
            .payload = {bytes.begin(), bytes.end()},
            .qos = qos,
            .stream = stream,
            .properties = {}};
}

SubscribeRequest subscription(std::uint16_t stream) {
    return {.filters = {{.filter = "a"}}, .stream = stream, .properties = {}};
}

// Connected, with two streams beside the first.
class ClientStreams : public testing::Test {
protected:
    void make(ClientOptions options) {
        options.further_streams = 2;
        rig.further_streams_max = 2;
        rig.make(std::move(options));
    }
    void connect(ClientOptions options = {.version = Version::V4}) {
        make(options);
        rig.connect(options.version == Version::V5 ? kAccepted5 : kAccepted3);
    }
    void publish(std::uint16_t stream, std::string_view payload, Qos qos) {
        ASSERT_TRUE(
            rig.client().publish(message(stream, payload, qos), rig.logs(std::string(payload))));
    }
    // What each of the three streams has said since.
    std::string heard() {
        rig.turn();
        return rig.heard(0) + '|' + rig.heard(1) + '|' + rig.heard(2);
    }
    // The connection is lost, and made anew.
    std::string come_again(std::string_view connack) {
        rig.hang_up();
        rig.pass(1'100);
        rig.heard();
        const std::string first = rig.say(connack);
        return first + heard();
    }

    ClientRig rig;
};

TEST(ClientStreamOf, IsTheSameForTheSameTopicAndUsesAll) {
    EXPECT_EQ(stream_of("a", 0), 0);
    EXPECT_EQ(stream_of("a", 1), 1);
    std::set<std::uint16_t> used;
    for (int i = 0; i < 100; ++i) {
        const std::string topic = "lamps/" + std::to_string(i);
        used.insert(stream_of(topic, 4));
        EXPECT_EQ(stream_of(topic, 4), stream_of(topic, 4));
    }
    EXPECT_EQ(used, (std::set<std::uint16_t>{1, 2, 3, 4}));
}

TEST_F(ClientStreams, EachCarriesWhatIsGivenToIt) {
    connect();
    publish(0, "0", Qos::AtMostOnce);
    publish(1, "1", Qos::AtMostOnce);
    publish(2, "2", Qos::AtMostOnce);
    publish(1, "3", Qos::AtMostOnce);
    EXPECT_EQ(heard(), hex("30[('a')'0']") + '|' + hex("30[('a')'1'] 30[('a')'3']") + '|' +
                           hex("30[('a')'2']"));
}

TEST_F(ClientStreams, NoIdentifierIsInUseOnTwo) {
    connect();
    for (const std::uint16_t stream : Streams{1, 2, 1}) publish(stream, "x", Qos::AtLeastOnce);
    ASSERT_TRUE(rig.client().subscribe(subscription(0)));
    EXPECT_EQ(heard(), hex("82[0001 ('a')00]") + '|' + hex("32[('a')0002'x'] 32[('a')0003'x']") +
                           '|' + hex("32[('a')0004'x']"));
}

TEST_F(ClientStreams, AMessageIsAnsweredOnItsOwn) {
    connect();
    publish(1, "one", Qos::AtLeastOnce);
    publish(2, "two", Qos::ExactlyOnce);
    rig.turn();
    heard();
    EXPECT_EQ(rig.say(2, "4002 0001"), "") << "not the stream of this identifier";
    EXPECT_EQ(rig.client().unfinished(), 2u);
    EXPECT_EQ(rig.say(1, "4002 0001"), "");
    EXPECT_EQ(rig.say(2, "5002 0002"), hex("6202 0002"));
    rig.say(2, "7002 0002");
    EXPECT_EQ(rig.log, "connected one:success two:success ");
}

TEST_F(ClientStreams, EachHasAWindowOfItsOwn) {
    make({});
    rig.connect("20[00 00 [21 0001]]");
    for (const std::uint16_t stream : Streams{1, 1, 2}) publish(stream, "x", Qos::AtLeastOnce);
    EXPECT_EQ(heard(), '|' + hex("32[('a')0001[]'x']") + '|' + hex("32[('a')0002[]'x']"));
    EXPECT_EQ(rig.say(1, "4002 0001"), hex("32[('a')0003[]'x']"));
}

TEST_F(ClientStreams, OneThatIsBlockedStopsNoOther) {
    connect();
    rig.set_room(0, 1);
    for (const std::uint16_t stream : Streams{1, 2, 0}) publish(stream, "x", Qos::AtMostOnce);
    EXPECT_EQ(heard(), hex("30[('a')'x']") + "||" + hex("30[('a')'x']"));
    rig.set_room(100, 1);
    EXPECT_EQ(heard(), '|' + hex("30[('a')'x']") + '|');
}

TEST_F(ClientStreams, OneWithRoomIsToldOfWhereAnotherHasNone) {
    connect({.version = Version::V4, .inflight_max = 1});
    const auto now = [&](std::uint16_t stream) {
        return rig.client().publish_now(
            {.topic = "a", .payload = {}, .qos = Qos::AtLeastOnce, .stream = stream});
    };
    EXPECT_TRUE(now(1) && now(2));
    EXPECT_FALSE(now(1) || now(2));
    rig.turn();
    EXPECT_EQ(rig.log, "connected ");
    rig.say(2, "4002 0002");
    EXPECT_EQ(rig.log, "connected room ");
    EXPECT_FALSE(now(1));
    EXPECT_TRUE(now(2));
}

TEST_F(ClientStreams, WhatComesIsAnsweredWhereItCame) {
    connect();
    rig.on_event = [&] { rig.log += "on "; };
    EXPECT_EQ(rig.say(1, "34[('a')0001'1']"), hex("5002 0001"));
    EXPECT_EQ(rig.say(2, "34[('a')0001'2']"), hex("5002 0001")) << "another message";
    EXPECT_EQ(rig.say(1, "3C[('a')0001'1']"), hex("5002 0001")) << "the same";
    EXPECT_EQ(rig.say(1, "6202 0001"), hex("7002 0001"));
    EXPECT_EQ(rig.heard(0), "");
    EXPECT_EQ(rig.log, "connected a=1 on a=2 on ");
}

TEST_F(ClientStreams, AMessageTellsWhereItCame) {
    connect();
    std::uint16_t stream = 0;
    rig.client().on("#", [&](const IncomingMessage& one) { stream = one.stream; });
    rig.say(2, "30[('a')]");
    EXPECT_EQ(stream, 2);
}

TEST_F(ClientStreams, EachHasAliasesOfItsOwn) {
    make({.topic_alias_maximum = 1});
    rig.connect("20[00 00 [22 0001]]");
    for (const std::uint16_t stream : Streams{1, 2, 1}) {
        OutgoingMessage aliased = message(stream, "", Qos::AtMostOnce);
        aliased.topic_alias = 1;
        ASSERT_TRUE(rig.client().publish(std::move(aliased)));
    }
    EXPECT_EQ(heard(),
              '|' + hex("30[('a')[23 0001]] 30[('')[23 0001]]") + '|' + hex("30[('a')[23 0001]]"));
    rig.say(1, "30[('a')[23 0001]'1'] 30[('')[23 0001]'2']");
    EXPECT_EQ(rig.log, "connected a=1 a=2 ");
    rig.say(2, "30[('')[23 0001]'3']");
    EXPECT_EQ(rig.heard(0), hex("E0[82]")) << "never set there";
}

TEST_F(ClientStreams, SubscriptionsAreAskedForWhereTheyAreWanted) {
    connect();
    int answers = 0;
    const auto count = [&](auto) { ++answers; };
    ASSERT_TRUE(rig.client().subscribe(subscription(1), count));
    ASSERT_TRUE(rig.client().subscribe(subscription(2), count));
    EXPECT_EQ(heard(), '|' + hex("82[0001 ('a')00]") + '|' + hex("82[0002 ('a')00]"));
    rig.say(2, "90[0001 00]");
    EXPECT_EQ(answers, 0) << "asked on another stream";
    rig.say(1, "90[0001 00]");
    rig.say(2, "90[0002 00]");
    EXPECT_EQ(answers, 2);
    ASSERT_TRUE(rig.client().unsubscribe({.filters = {"a"}, .stream = 2, .properties = {}}));
    EXPECT_EQ(heard(), "||" + hex("A2[0003 ('a')]"));
}

// --- The end of a connection, and the next -------------------------------------------------------

TEST_F(ClientStreams, WhatWasUnfinishedGoesOnAsIfTheSessionWereNew) {
    connect({.version = Version::V4, .clean_start = false});
    publish(0, "0", Qos::AtLeastOnce);
    publish(1, "1", Qos::AtLeastOnce);
    publish(2, "2", Qos::ExactlyOnce);
    publish(2, "3", Qos::ExactlyOnce);
    ASSERT_TRUE(rig.client().subscribe(subscription(1)));
    rig.turn();
    rig.say(2, "5002 0004");
    rig.say(1, "90[0002 00]");
    EXPECT_EQ(come_again(kResumed3), hex("3A[('a')0001'0']") + '|' +
                                         hex("82[0007 ('a')00] 32[('a')0008'1']") + '|' +
                                         hex("34[('a')0006'3']"));
    EXPECT_EQ(rig.log, "connected lost... resumed 2:success ");
}

TEST_F(ClientStreams, HalfReceivedMessagesGoWithTheirStream) {
    connect({.version = Version::V4, .clean_start = false});
    rig.say(1, "34[('a')0001'old']");
    come_again(kResumed3);
    rig.say(1, "34[('a')0001'new']");
    EXPECT_EQ(rig.log, "connected a=old lost... resumed a=new ");
}

TEST_F(ClientStreams, DisconnectComesWhenTheServerHasHeardTheOthers) {
    connect();
    rig.set_room(0, 1);
    publish(1, "late", Qos::AtMostOnce);
    rig.turn();
    rig.client().disconnect();
    rig.turn();
    EXPECT_FALSE(rig.wire(1).is_finished) << "it has something to say";
    EXPECT_TRUE(rig.wire(2).is_finished);
    rig.set_room(100, 1);
    rig.turn();
    EXPECT_TRUE(rig.wire(1).is_finished);
    rig.hang_up(2);
    EXPECT_EQ(heard(), '|' + hex("30[('a')'late']") + '|');
    rig.hang_up(1);
    EXPECT_EQ(heard(), hex("E000") + "||");
    EXPECT_TRUE(rig.wire().is_finished);
    rig.hang_up();
    EXPECT_EQ(rig.log, "connected late:success requested. ");
}

// A server that keeps subscriptions keeps those of streams that end with the connection only.
TEST_F(ClientStreams, OneThatHasSubscribedStaysWhereTheSessionLasts) {
    connect({.version = Version::V4, .clean_start = false});
    ASSERT_TRUE(rig.client().subscribe(subscription(1)));
    rig.turn();
    rig.say(1, "9003 0001 00");
    heard();
    rig.set_room(0, 1);
    publish(1, "late", Qos::AtMostOnce);
    rig.turn();
    rig.client().disconnect();
    rig.turn();
    EXPECT_TRUE(rig.wire(2).is_finished);
    rig.hang_up(2);
    EXPECT_EQ(heard(), "||") << "it has something to say";
    rig.set_room(100, 1);
    EXPECT_EQ(heard(), '|' + hex("30[('a')'late']") + '|');
    EXPECT_EQ(heard(), hex("E000") + "||");
    EXPECT_FALSE(rig.wire(1).is_finished);
    rig.hang_up();
    EXPECT_EQ(rig.log, "connected late:success requested. ");
}

TEST_F(ClientStreams, APingThatIsAnsweredLateKeepsNoLostConnection) {
    connect();
    rig.pass(54'100);
    rig.hang_up(1);
    rig.say("D000");
    rig.pass(2'100);
    EXPECT_EQ(rig.log, "connected lost... ");
}

TEST_F(ClientStreams, DisconnectDoesNotWaitForEver) {
    connect();
    rig.client().disconnect();
    rig.turn();
    EXPECT_EQ(rig.heard(), "");
    rig.pass(2'100);
    EXPECT_EQ(rig.heard(), hex("E000"));
    rig.pass(2'100);
    EXPECT_EQ(rig.log, "connected requested. ");
}

TEST_F(ClientStreams, TooFewEndTheConnectionForGood) {
    for (const std::uint16_t allowed : Streams{0, 1}) {
        make({.version = Version::V4});
        rig.log.clear();
        rig.further_streams_max = allowed;
        rig.client().connect();
        rig.turn();
        rig.heard();
        EXPECT_EQ(rig.say(kAccepted3), hex("E000"));
        rig.hang_up();
        EXPECT_EQ(rig.log, "toofewstreams. ");
        EXPECT_EQ(rig.dials(), allowed + 1u);
    }
}

// --- The end of one stream -----------------------------------------------------------------------

TEST_F(ClientStreams, WithoutOneTheConnectionIsLost) {
    connect();
    publish(1, "1", Qos::AtLeastOnce);
    rig.turn();
    rig.hang_up(1);
    rig.say("30[('a')'still']");
    EXPECT_EQ(rig.log, "connected a=still ");
    rig.pass(2'100);
    EXPECT_EQ(rig.log, "connected a=still lost... ");
    rig.pass(1'100);
    rig.heard();
    rig.say(kAccepted3);
    EXPECT_EQ(rig.heard(1), hex("32[('a')0002'1']"));
}

TEST_F(ClientStreams, TheFirstTellsWhyOthersHaveEnded) {
    connect({});
    rig.hang_up(2);
    rig.say("E0[8E]");
    EXPECT_EQ(rig.log, "connected disconnected(session taken over). ");
}

TEST_F(ClientStreams, OneThatHasEndedDoesNotKeepFromLeaving) {
    connect();
    rig.hang_up(1);
    rig.client().disconnect();
    rig.turn();
    rig.hang_up(2);
    EXPECT_EQ(heard(), hex("E000") + "||");
    rig.hang_up();
    EXPECT_EQ(rig.log, "connected requested. ");
}

TEST_F(ClientStreams, TheServersMistakeOnAnyEndsAll) {
    connect({});
    rig.say(1, "D000");  // PINGRESP belongs on the first
    EXPECT_EQ(rig.heard(), hex("E0[82]"));
    rig.hang_up();
    EXPECT_EQ(rig.log, "connected violation(protocol error)... ");
}

TEST_F(ClientStreams, KeepAliveIsOfTheFirst) {
    connect({.version = Version::V4, .keep_alive_s = 10});
    rig.pass(5'000);
    publish(1, "x", Qos::AtMostOnce);
    heard();
    rig.pass(4'100);
    EXPECT_EQ(rig.heard(), hex("C000"));
}

TEST_F(ClientStreams, MayBeDestroyedInACallbackOfAny) {
    connect();
    rig.client().on("#", [&](const IncomingMessage&) { rig.destroy(); });
    rig.say(2, "30[('a')] 30[('a')]");
    for (const std::uint16_t stream : Streams{0, 1, 2})
        EXPECT_FALSE(rig.wire(stream).is_open) << stream;
}

}  // namespace
}  // namespace starling
