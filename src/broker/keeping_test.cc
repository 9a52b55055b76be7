// What the store is told, and who waits for it.
#include <gtest/gtest.h>

#include "broker/cores_testing.h"
#include "broker/store_testing.h"

namespace starling {
namespace {

using Wire = BrokerRig::Wire;
using Changes = std::vector<std::string>;

std::string hex(std::string_view notation) { return BrokerRig::hex(notation); }

// One core with its store, and version 5 clients whose sessions are kept for 100 s.
struct KeepingRig {
    explicit KeepingRig(const BrokerOptions& options = BrokerRig::quiet())
        : rig({.cores = 1}, options, {&store}) {}

    Wire connect(const std::string& id) {
        const Wire wire = rig.connect5(0, id, "11 00000064");
        store.heard();
        return wire;
    }
    Wire reader(const std::string& filter, const std::string& qos) {
        const Wire wire = connect("r");
        rig.subscribe5(wire, filter, qos);
        store.heard();
        return wire;
    }

    HeldStore store;
    CoresRig rig;
};

// --- What it is told -----------------------------------------------------------------------------

TEST(Keeping, TellsTheStoreWhatHappensToSessionsThatAreToLast) {
    struct Case {
        const char* what;
        const char* says;
        Changes expected;
    };
    const Case cases[] = {
        {"SUBSCRIBE",
         "82 [0001 [] ('t') 01 ('$share/g/u') 02]",
         {"r0: subscribed t QoS 1", "r0: subscribed $share/g/u QoS 2"}},
        {"again, on other terms", "82 [0002 [] ('t') 02]", {"r0: subscribed t QoS 2"}},
        {"QoS 1", "32 [('x') 0004 [] 'a']", {}},
        {"QoS 1 for itself", "32 [('t') 0005 [] 'a']", {"r0: queued t 'a' QoS 1"}},
        {"QoS 0 for itself", "30 [('t') [] 'a']", {}},
        {"PUBACK", "40 02 0001", {"r0: finished 0"}},
        {"PUBACK of nothing", "40 02 0001", {}},
        {"QoS 2", "34 [('x') 0006 [] 'a']", {"r0: received 6"}},
        {"QoS 2 again", "3C [('x') 0006 [] 'a']", {}},
        {"PUBREL", "62 02 0006", {"r0: forgotten 6"}},
        {"PUBREL of nothing", "62 02 0006", {}},
        {"QoS 2 for itself",
         "34 [('t') 0007 [] 'a']",
         {"r0: received 7", "r0: queued t 'a' QoS 2", "r0: sent 0 as 2"}},
        {"PUBREC", "50 02 0002", {"r0: released 0"}},
        {"PUBREC again", "50 02 0002", {}},
        {"PUBCOMP", "70 02 0002", {"r0: finished 0"}},
        {"retained", "31 [('x') [] 'a']", {"retained x 'a'"}},
        {"cleared", "31 [('x') [] '']", {"retained x ''"}},
        {"UNSUBSCRIBE", "A2 [0008 [] ('t') ('v')]", {"r0: unsubscribed t"}},
        {"DISCONNECT with another interval",
         "E0 [00 [11 0000000A]]",
         {"r0: session kept 10", "r0: session left"}},
    };
    KeepingRig one;
    const Wire wire = one.connect("r");
    for (const Case& c : cases) {
        one.rig.say(wire, c.says);
        EXPECT_EQ(one.store.heard(), c.expected) << c.what;
    }
    one.rig.pass(11'000);
    EXPECT_EQ(one.store.heard(), Changes{"r0: session ended"});
}

TEST(Keeping, TellsTheStoreNothingOfSessionsThatEndWithTheirConnection) {
    KeepingRig one;
    const Wire wire = one.rig.connect5(0, "r");
    one.rig.subscribe5(wire, "t", "02");
    one.rig.say(wire, "34 [('t') 0007 [] 'a'] 50 02 0001 32 [('t') 0008 [] 'a'] 40 02 0002");
    one.rig.hang_up(wire);
    EXPECT_EQ(one.store.heard(), Changes());
}

TEST(Keeping, CountsPositionsFromTheOldestDelivery) {
    BrokerOptions options = BrokerRig::quiet();
    options.inflight_out = 2;
    options.queue_messages = 2;
    KeepingRig one(options);
    one.reader("t", "01");
    const Wire writer = one.rig.connect5(0, "w");
    one.rig.say(writer,
                "32 [('t') 0001 [] 'a'] 32 [('t') 0002 [] 'b'] 32 [('t') 0003 [] 'c'] "
                "32 [('t') 0004 [] 'd']");
    EXPECT_EQ(one.store.heard().size(), 4u);
    one.rig.say(writer, "32 [('t') 0005 [] 'e']");
    EXPECT_EQ(one.store.heard(), (Changes{"r0: finished 2", "r0: queued t 'e' QoS 1"}))
        << "c was the oldest that was not sent";
}

TEST(Keeping, OfAWillLastsUntilItIsPublishedOrCancelled) {
    KeepingRig one;
    const std::string connect =
        "10 [('MQTT') 05 06 0000 [11 00000064] ('me') "
        "[18 00000005] ('w') ('gone')]";
    const Wire first = one.rig.dial();
    one.rig.say(first, connect);
    EXPECT_EQ(one.store.heard(), (Changes{"me: session kept 100", "me: will w"}));
    one.rig.say(first, "E0 00");
    EXPECT_EQ(one.store.heard(), (Changes{"me: no will", "me: session left"}));
    const Wire second = one.rig.dial();
    one.rig.say(second, connect);
    one.rig.hang_up(second);
    one.store.heard();
    one.rig.pass(6'000);
    EXPECT_EQ(one.store.heard(), Changes{"me: no will"});
}

TEST(Keeping, EndsWithAnIntervalOfZero) {
    KeepingRig one;
    one.rig.hang_up(one.connect("r"));
    one.store.heard();
    one.rig.resume5(0, "r", "");
    EXPECT_EQ(one.store.heard(), Changes{"r0: session ended"});
}

// --- Who waits for it ----------------------------------------------------------------------------

TEST(Keeping, AnswersLeaveAfterTheirCommit) {
    struct Case {
        const char* what;
        const char* before;
        const char* says;
        const char* answer;
    };
    static constexpr Case cases[] = {
        {"SUBACK", "", "82 [0001 [] ('t') 01]", "90 04 0001 00 01"},
        {"UNSUBACK", "82 [0001 [] ('t') 01]", "A2 [0002 [] ('t')]", "B0 04 0002 00 00"},
        {"PUBACK for a retained message", "", "33 [('t') 0003 [] 'a']", "40 03 0003 10"},
        {"PUBREC for its identifier", "", "34 [('t') 0004 [] 'a']", "50 03 0004 10"},
        {"PUBCOMP", "34 [('t') 0005 [] 'a']", "62 02 0005", "70 02 0005"},
        {"PUBREL", "82 [0001 [] ('t') 02] 34 [('t') 0006 [] 'a']", "50 02 0001", "62 02 0001"},
    };
    for (const Case& c : cases) {
        KeepingRig one;
        const Wire wire = one.connect("r");
        one.rig.say(wire, c.before);
        one.store.hold();
        EXPECT_EQ(one.rig.say(wire, c.says), "") << c.what;
        one.rig.pass(5'000);
        EXPECT_EQ(BrokerRig::heard(wire), "") << c.what;
        one.store.release();
        one.rig.turn();
        EXPECT_EQ(BrokerRig::heard(wire), hex(c.answer)) << c.what;
    }
}

TEST(Keeping, WhatIsKeptInOneTurnIsAnsweredInIt) {
    KeepingRig one;
    const Wire wire = one.connect("r");
    one.rig.send(wire, "33 [('t') 0003 [] 'a']");
    one.rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(wire), hex("40 03 0003 10"));
}

TEST(Keeping, AnAnswerWaitsForTheStoreOfAnotherCore) {
    for (const BrokerRig::Shape shape : shapes()) {
        SCOPED_TRACE(to_string(shape));
        std::vector<HeldStore> stores(shape.cores);
        std::vector<Store*> ports;
        for (HeldStore& store : stores) ports.push_back(&store);
        CoresRig rig(shape, BrokerRig::quiet(), ports);
        for (const char* filter : {"t", "$share/g/t"}) {
            const Wire reader = rig.connect5(1, "r", "11 00000064");
            rig.subscribe5(reader, filter, "01");
            rig.hang_up(reader);
            const Wire writer = rig.connect5(0, "w");
            stores[1].hold();
            EXPECT_EQ(rig.say(writer, "32 [('t') 0001 [] 'a'] C0 00"), "D000")
                << "a ping waits for nobody";
            stores[1].release();
            rig.turn();
            EXPECT_EQ(BrokerRig::heard(writer), hex("40 02 0001"));
        }
    }
}

TEST(Keeping, DeliveriesDoNotWaitButForTheirQos2Identifier) {
    KeepingRig one;
    const Wire reader = one.reader("t", "02");
    const Wire writer = one.rig.connect5(0, "w");
    one.store.hold();
    one.rig.say(writer,
                "32 [('t') 0001 [] 'a'] 34 [('t') 0002 [] 'b'] 32 [('t') 0003 [] 'c'] "
                "30 [('t') [] 'd']");
    EXPECT_EQ(BrokerRig::heard(reader), hex("32 [('t') 0001 [] 'a'] 30 [('t') [] 'd']"))
        << "QoS 0 has no order beside the others";
    one.store.release();
    one.rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader), hex("34 [('t') 0002 [] 'b'] 32 [('t') 0003 [] 'c']"))
        << "for the first time, so without DUP";
}

TEST(Keeping, IdentifiersOfManyDeliveriesAreKeptAtOnce) {
    KeepingRig one;
    const Wire reader = one.reader("t", "02");
    const Wire writer = one.rig.connect5(0, "w");
    one.store.hold();
    for (unsigned i = 1; i <= 20; ++i) one.rig.say(writer, "34 [('t') " + hex16(i) + " [] 'm']");
    const Counters& counters = one.rig.broker().counters();
    const std::uint64_t commits = counters[Count::StoreCommits];
    one.store.release();
    one.rig.turn();
    EXPECT_EQ(counters[Count::PublishSent], 20u);
    EXPECT_EQ(counters[Count::StoreCommits], commits + 1) << "for those behind the first";
}

TEST(Keeping, AConnectionThatBreaksMeanwhileChangesNothing) {
    KeepingRig one;
    one.rig.hang_up(one.reader("t", "02"));
    const Wire writer = one.connect("w");
    one.store.hold();
    one.rig.say(writer, "34 [('t') 0002 [] 'b']");
    one.rig.hang_up(writer);
    const Wire back = one.rig.resume5(0, "w", "11 00000064");
    BrokerRig::heard(back);
    EXPECT_EQ(one.rig.say(back, "3C [('t') 0002 [] 'b']"), "") << "no PUBREC yet";
    one.store.release();
    one.rig.turn();
    EXPECT_EQ(BrokerRig::heard(back), hex("50 02 0002"));
    const Wire reader = one.rig.resume5(0, "r", "11 00000064");
    one.rig.turn();
    EXPECT_TRUE(BrokerRig::heard(reader).ends_with(hex("34 [('t') 0001 [] 'b']"))) << "once";
}

// What was in flight unseen may have expired while its identifier was kept.
TEST(Keeping, WhatExpiresBeforeItIsEverSentIsDropped) {
    KeepingRig one;
    const Wire reader = one.reader("t", "02");
    const Wire writer = one.rig.connect5(0, "w");
    one.store.hold();
    one.rig.say(writer, "34 [('t') 0001 [02 00000005] 'a'] 34 [('t') 0002 [] 'b']");
    one.store.heard();
    one.rig.pass(6'000);
    one.store.release();
    one.rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader), hex("34 [('t') 0002 [] 'b']"));
    EXPECT_EQ(one.store.heard(), (Changes{"r0: finished 0", "r0: sent 0 as 2"}));
}

// What was asked for on a connection that broke is promised on the next one as well.
TEST(Keeping, WhoAsksAgainWaitsForTheSameCommit) {
    struct Case {
        const char* before;
        const char* says;
        const char* says_again;
        const char* answer;
    };
    static constexpr Case cases[] = {
        {"", "34 [('x') 0004 [] 'a']", "3C [('x') 0004 [] 'a']", "50 02 0004"},
        {"34 [('x') 0005 [] 'a']", "62 02 0005", "62 02 0005", "70 03 0005 92"},
        {"82 [0001 [] ('t') 01]", "A2 [0002 [] ('t')]", "A2 [0002 [] ('t')]", "B0 04 0002 00 11"},
    };
    for (const Case& c : cases) {
        KeepingRig one;
        const Wire wire = one.connect("w");
        one.rig.say(wire, c.before);
        one.store.hold();
        one.rig.say(wire, c.says);
        one.rig.hang_up(wire);
        const Wire back = one.rig.resume5(0, "w", "11 00000064");
        BrokerRig::heard(back);
        EXPECT_EQ(one.rig.say(back, c.says_again), "") << c.says;
        one.store.release();
        one.rig.turn();
        EXPECT_EQ(BrokerRig::heard(back), hex(c.answer)) << c.says;
    }
}

TEST(Keeping, DeliveriesWaitForTheirOwnCommitOnly) {
    KeepingRig one;
    const Wire reader = one.reader("t", "02");
    const Wire writer = one.rig.connect5(0, "w");
    one.store.hold();
    one.rig.say(writer, "34 [('t') 0001 [] 'a']");
    const std::uint64_t first = one.store.last();
    one.rig.say(writer, "34 [('t') 0002 [] 'b'] 30 [('t') [] 'c']");
    EXPECT_EQ(BrokerRig::heard(reader), hex("30 [('t') [] 'c']")) << "and b gets its identifier";
    EXPECT_GT(one.store.last(), first + 1);
    one.store.end(first);
    one.rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader), hex("34 [('t') 0001 [] 'a']"));
    one.store.release();
    one.rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader), hex("34 [('t') 0002 [] 'b']"));
}

// Its identifier was not used: nobody has it.
TEST(Keeping, AGroupsMessageThatWasNeverSentGoesToTheOthers) {  // [MQTT-4.8.2-5]
    KeepingRig one;
    const Wire first = one.reader("$share/g/t", "02");
    const Wire writer = one.rig.connect5(0, "w");
    one.store.hold();
    one.rig.say(writer, "34 [('t') 0001 [] 'a']");
    EXPECT_EQ(BrokerRig::heard(first), "");
    const Wire second = one.rig.connect5(0, "other");
    one.rig.subscribe5(second, "$share/g/t", "02");
    one.rig.say(first, "E0 07 00 [11 00000000]");
    one.store.release();
    one.rig.turn();
    EXPECT_EQ(BrokerRig::heard(second), hex("34 [('t') 0001 [] 'a']"));
}

TEST(Keeping, ALateErrorWaitsUntilItsIdentifierIsForgotten) {  // [MQTT-4.3.3-9]
    BrokerOptions options = BrokerRig::quiet();
    options.retained_messages = 1;
    HeldStore here, there;
    CoresRig rig({.cores = 2}, options, {&here, &there});
    const Wire writer = rig.connect5(0, "w", "11 00000064");
    const std::string topics[] = {rig.name_at(1, "a"), rig.name_at(1, "b")};
    rig.say(writer, "31 [('" + topics[0] + "') [] 'm']");
    rig.send(writer, "35 [('" + topics[1] + "') 0001 [] 'm']");
    rig.turn_core(0);
    here.hold();
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(writer), "");
    here.release();
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(writer), hex("50 03 0001 97"));
}

// --- When it takes too long ----------------------------------------------------------------------

TEST(Keeping, WhoWaitsTooLongIsSentAwayAndMayComeBack) {
    KeepingRig one;
    one.rig.hang_up(one.reader("t", "01"));
    const char* const says[] = {"32 [('t') 0002 [] 'b']", "34 [('t') 0002 [] 'b']",
                                "82 [0002 [] ('u') 01]", "A2 [0002 [] ('u')]"};
    for (const char* what : says) {
        const Wire wire = one.connect("w");
        one.rig.subscribe5(wire, "u");
        const Wire calm = one.connect("calm");
        one.store.hold();
        EXPECT_EQ(one.rig.say(wire, what), "") << what;
        one.rig.pass(limits::kStoreTimeoutS * TimeMs{1000} - 2'000);
        EXPECT_EQ(BrokerRig::heard(wire), "") << what;
        one.rig.pass(4'000);
        EXPECT_EQ(BrokerRig::heard(wire).substr(0, 6), "E00189") << what;
        EXPECT_EQ(one.rig.say(calm, "C0 00"), "D000") << "others are left in peace";
        const Wire back = one.rig.resume5(0, "w", "11 00000064");
        BrokerRig::heard(back);
        one.rig.pass(4'000);
        EXPECT_EQ(one.rig.say(back, "C0 00"), "D000") << "it may wait again: " << what;
        one.store.release();
        one.rig.turn();
    }
    EXPECT_EQ(one.rig.broker().counters()[Count::StoreTimeouts], std::size(says));
}

TEST(Keeping, AFanOutStopsWhileTooMuchIsNotKept) {
    constexpr unsigned kReaders = 1'500;
    KeepingRig one;
    for (unsigned i = 0; i < kReaders; ++i) {
        const Wire reader = one.connect("r" + std::to_string(i) + "-");
        one.rig.subscribe5(reader, "t", "01");
        one.rig.hang_up(reader);
    }
    const Wire writer = one.rig.connect5(0, "w");
    one.store.hold();
    for (unsigned i = 1; i <= 100; ++i) one.rig.send(writer, "32 [('t') " + hex16(i) + " [] 'm']");
    one.rig.turn();
    EXPECT_LT(one.store.uncommitted(), limits::kUncommittedChanges + limits::kFanOutPerTurn);
    one.store.release();
    one.rig.turn();
    EXPECT_EQ(BrokerRig::heard(writer).size(), 100u * 8);
}

TEST(Keeping, ASlowFanOutIsNoLateStore) {
    CoresRig rig({.cores = 2});
    rig.subscribe(rig.connect(1, "reader"), "t");
    const Wire writer = rig.connect(0, "writer");
    rig.send(writer, "32 [('t') 0001 'a']");
    rig.turn_core(0);
    rig.skip(2 * limits::kStoreTimeoutS * TimeMs{1000});
    rig.turn_core(0);
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(writer), hex("40 02 0001"));
}

TEST(Keeping, TooManyChangesPauseWhoWouldCauseMore) {
    constexpr unsigned kReaders = 200;
    KeepingRig one;
    for (unsigned i = 0; i < kReaders; ++i) {
        const Wire reader = one.connect("r" + std::to_string(i) + "-");
        one.rig.subscribe5(reader, "t", "01");
        one.rig.hang_up(reader);
    }
    const Wire writer = one.rig.connect5(0, "w");
    one.store.hold();
    for (unsigned i = 1; i <= 500; ++i) one.rig.send(writer, "32 [('t') " + hex16(i) + " [] 'm']");
    one.rig.turn();
    EXPECT_GE(one.store.uncommitted(), limits::kUncommittedChanges);
    EXPECT_LT(one.store.uncommitted(), limits::kUncommittedChanges + kReaders);
    EXPECT_EQ(BrokerRig::heard(writer), "");
    one.store.release();
    one.rig.turn();
    EXPECT_EQ(one.store.uncommitted(), 0u);
    EXPECT_EQ(BrokerRig::heard(writer).size(), 500u * 8) << "a PUBACK of four bytes each";
}

TEST(Keeping, StoppingWaitsForTheStore) {
    KeepingRig one;
    const Wire wire = one.connect("r");
    one.store.hold();
    one.rig.say(wire, "33 [('t') 0003 [] 'a']");
    one.rig.broker().stop();
    one.rig.turn_some(50);
    EXPECT_EQ(BrokerRig::heard(wire), "");
    one.store.release();
    one.rig.turn_some(50);
    EXPECT_EQ(BrokerRig::heard(wire).substr(0, 16), hex("40 03 0003 10 E0 01 8B"))
        << "then good-bye";
}

}  // namespace
}  // namespace starling
