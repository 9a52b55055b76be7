// A client with several streams: what each has for itself, and what they share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/cores_testing.h"

namespace starling {
namespace {

using Wire = BrokerRig::Wire;

std::string hex(std::string_view notation) { return BrokerRig::hex(notation); }

BrokerOptions narrow() {
    BrokerOptions options = BrokerRig::quiet();
    options.subscriptions_per_client = 2;
    options.outbox_bytes = 4'096;
    return options;
}

// A client "c" of version 3.1.1, or 5 with these properties of CONNECT, and others.
class ChannelsTest : public testing::Test {
protected:
    explicit ChannelsTest(const BrokerOptions& options = narrow()) : rig(options) {}

    Wire connect(const std::string& id, const std::string& flags = "02") {
        return connect_as("10 [('MQTT') 04 " + flags + " 000A ('" + id + "')]");
    }
    Wire connect5(const std::string& id, const std::string& properties) {
        return connect_as("10 [('MQTT') 05 02 0000 [" + properties + "] ('" + id + "')]");
    }
    Wire connect_as(const std::string& packet) {
        const Wire wire = rig.dial();
        EXPECT_TRUE(rig.say(wire, packet).starts_with("20"));
        return wire;
    }
    void subscribe(const Wire& wire, const std::string& filter, const std::string& qos = "00") {
        ASSERT_EQ(rig.say(wire, "82 [0001 ('" + filter + "') " + qos + "]"),
                  hex("90 03 0001 " + qos));
    }
    std::string heard(const Wire& wire) { return BrokerRig::heard(wire); }
    std::uint64_t count(Count what) { return rig.broker().counters()[what]; }

    BrokerRig rig;
};

TEST_F(ChannelsTest, StreamsOpenedBeforeConnackAreReadAfterIt) {
    const Wire control = rig.dial();
    const Wire early = rig.open(control);
    rig.send(early, "82 [0001 ('t') 00]");
    rig.turn();
    EXPECT_EQ(early->poller, nullptr) << "nobody has taken it";
    EXPECT_EQ(rig.say(control, "10 [('MQTT') 04 02 0000 ('c')]"), "20020000");
    EXPECT_EQ(heard(early), hex("90 03 0001 00"));
}

TEST_F(ChannelsTest, StreamsOfARefusedClientAreNotRead) {
    const Wire control = rig.dial();
    const Wire beside = rig.open(control);
    rig.say(control, "10 [('MQTT') 09 02 0000 ('c')]");
    EXPECT_TRUE(control->is_finished);
    EXPECT_EQ(beside->poller, nullptr);
}

TEST_F(ChannelsTest, AnswersAndDeliveriesLeaveOnTheStreamThatAsked) {
    const Wire control = connect("c"), one = rig.open(control), two = rig.open(control);
    subscribe(one, "a", "01");
    subscribe(two, "b", "01");
    const Wire writer = connect("writer");
    rig.say(writer, "30 [('a') '1'] 30 [('b') '2']");
    EXPECT_EQ(heard(one), hex("30 [('a') '1']"));
    EXPECT_EQ(heard(two), hex("30 [('b') '2']"));
    EXPECT_EQ(rig.say(two, "32 [('x') 0007 'q']"), hex("40 02 0007"));
    EXPECT_EQ(rig.say(one, "34 [('x') 0007 'q']"), hex("50 02 0007"));
    EXPECT_EQ(rig.say(one, "62 02 0007"), hex("70 02 0007"));
    EXPECT_EQ(heard(control), "");
    EXPECT_EQ(count(Count::ChannelsOpened), 2u);
}

// Filters that overlap on one stream give one copy there, those on two streams one on each.
TEST_F(ChannelsTest, OverlappingFiltersAreMergedByStream) {
    const Wire control = connect("c"), one = rig.open(control), two = rig.open(control);
    subscribe(one, "a/b");
    subscribe(one, "a/+");
    const Wire other = connect("d"), three = rig.open(other);
    subscribe(other, "a/b");
    subscribe(three, "a/b");
    rig.say(connect("writer"), "30 [('a/b') '1']");
    EXPECT_EQ(heard(one), hex("30 [('a/b') '1']"));
    EXPECT_EQ(heard(two) + heard(control), "");
    EXPECT_EQ(heard(other), hex("30 [('a/b') '1']"));
    EXPECT_EQ(heard(three), hex("30 [('a/b') '1']"));
}

TEST_F(ChannelsTest, WindowsAndAliasesAreTheStreamsOwn) {
    const Wire control = connect5("c", "21 0001 22 0001");
    const Wire one = rig.open(control), two = rig.open(control);
    rig.say(one, "82 [0001 [] ('a/long/topic') 01]");
    rig.say(two, "82 [0001 [] ('a/long/topic') 01]");
    const Wire writer = connect("writer");
    rig.say(writer, "32 [('a/long/topic') 0001 '1'] 32 [('a/long/topic') 0002 '2']");
    EXPECT_EQ(heard(one), hex("32 [('a/long/topic') 0002 [23 0001] '1']"));
    EXPECT_EQ(heard(two), hex("32 [('a/long/topic') 0001 [23 0001] '1']"));
    EXPECT_EQ(rig.say(one, "40 02 0002"), hex("32 [('') 0003 [23 0001] '2']"));
    EXPECT_EQ(heard(two), "") << "its window is still full";
    EXPECT_EQ(rig.say(one, "32 [('x') 0001 [23 0001] 'p']"), hex("40 03 0001 10"));
    EXPECT_EQ(rig.say(two, "32 [('') 0002 [23 0001] 'p']"), "") << "set on the other stream only";
    EXPECT_EQ(two->reset_code, 0x82u);
}

// Clients with one counter for all streams answer on whatever stream.
TEST_F(ChannelsTest, AcknowledgementsFindTheirDeliveryFromAnyStream) {
    const Wire control = connect5("c", "21 0001");
    const Wire one = rig.open(control), two = rig.open(control);
    rig.say(one, "82 [0001 [] ('a') 02]");
    const Wire writer = connect("writer");
    rig.say(writer, "32 [('a') 0001 '1'] 34 [('a') 0002 '2'] 62 02 0002");
    EXPECT_EQ(heard(one), hex("32 [('a') 0001 [] '1']"));
    EXPECT_EQ(rig.say(two, "40 02 0001"), "");
    EXPECT_EQ(heard(one), hex("34 [('a') 0002 [] '2']"));
    EXPECT_EQ(rig.say(control, "50 02 0002"), hex("62 02 0002")) << "where the PUBREC came";
    EXPECT_EQ(rig.say(two, "70 02 0002"), "");
    rig.say(writer, "32 [('a') 0003 '3']");
    EXPECT_EQ(heard(one), hex("32 [('a') 0003 [] '3']")) << "the window is open again";
}

TEST_F(ChannelsTest, IncomingIdentifiersAreTheStreamsOwn) {
    const Wire control = connect("c"), one = rig.open(control), two = rig.open(control);
    const Wire reader = connect("reader");
    subscribe(reader, "a", "01");
    EXPECT_EQ(rig.say(one, "34 [('a') 0001 '1']"), hex("50 02 0001"));
    EXPECT_EQ(rig.say(two, "34 [('a') 0001 '2']"), hex("50 02 0001"));
    EXPECT_EQ(rig.say(one, "3C [('a') 0001 '1']"), hex("50 02 0001")) << "known there";
    EXPECT_EQ(heard(reader), hex("32 [('a') 0001 '1'] 32 [('a') 0002 '2']"));
    EXPECT_EQ(rig.say(control, "62 02 0001"), hex("70 02 0001"));
    EXPECT_EQ(rig.say(control, "62 02 0001"), hex("70 02 0001"));
    EXPECT_EQ(rig.say(one, "34 [('a') 0001 '3']"), hex("50 02 0001")) << "new again";
    EXPECT_EQ(rig.say(two, "34 [('a') 0001 '4']"), hex("50 02 0001"));
    EXPECT_EQ(heard(reader), hex("32 [('a') 0003 '3'] 32 [('a') 0004 '4']"));
}

TEST_F(ChannelsTest, UnsubscribeReachesOtherStreams) {
    const Wire control = connect5("c", ""), one = rig.open(control), two = rig.open(control);
    rig.say(one, "82 [0001 [] ('a') 00]");
    rig.say(two, "82 [0001 [] ('a') 00]");
    EXPECT_EQ(rig.say(one, "A2 [0002 [] ('a')]"), hex("B0 04 0002 00 00"));
    const Wire writer = connect("writer");
    rig.say(writer, "30 [('a') '1']");
    EXPECT_EQ(heard(one), "");
    EXPECT_EQ(heard(two), hex("30 [('a') [] '1']")) << "its own goes first";
    EXPECT_EQ(rig.say(control, "A2 [0003 [] ('a')]"), hex("B0 04 0003 00 00"));
    rig.say(writer, "30 [('a') '2']");
    EXPECT_EQ(heard(two), "");
    EXPECT_EQ(rig.say(control, "A2 [0004 [] ('a')]"), hex("B0 04 0004 00 11"));
}

struct EndCase {
    const char* name;
    const char* sent;  // on a further stream
    bool is_reset;
    std::uint32_t code;
};

class ChannelEnds : public ChannelsTest, public testing::WithParamInterface<EndCase> {};

TEST_P(ChannelEnds, LeaveTheOthersAlone) {
    const Wire control = connect5("c", ""), one = rig.open(control), two = rig.open(control);
    rig.say(one, "82 [0001 [] ('a') 00]");
    rig.say(two, "82 [0001 [] ('a') 00]");
    EXPECT_EQ(rig.say(one, GetParam().sent), "") << "no DISCONNECT either";
    EXPECT_EQ(one->reset_code.has_value(), GetParam().is_reset);
    EXPECT_EQ(one->reset_code.value_or(0), GetParam().code);
    EXPECT_EQ(one->is_finished, !GetParam().is_reset);
    rig.say(connect("writer"), "30 [('a') '1']");
    EXPECT_EQ(heard(one), "");
    EXPECT_EQ(heard(two), hex("30 [('a') [] '1']"));
    EXPECT_EQ(rig.say(control, "C0 00"), "D000");
    rig.pass(2'100);
    EXPECT_FALSE(one->is_open);
    EXPECT_TRUE(two->is_open && control->is_open);
}

INSTANTIATE_TEST_SUITE_P(
    Channels, ChannelEnds,
    testing::Values(EndCase{"connect", "10 [('MQTT') 05 02 0000 [] ('d')]", true, 0x82},
                    EndCase{"malformed", "36 [('a') 0001 [] 'x']", true, 0x81},
                    EndCase{"only_servers_send", "20 03 00 00 00", true, 0x82},
                    EndCase{"auth", "F0 00", true, 0x82}, EndCase{"good_bye", "E0 00", false, 0},
                    EndCase{"malformed_good_bye", "E0 02 00 05", true, 0x81}),
    [](const auto& one) { return one.param.name; });

TEST_F(ChannelsTest, PingsCountAndAreNotAnswered) {
    const Wire control = connect("c"), one = rig.open(control);
    rig.turn();
    for (int i = 0; i < 3; ++i) {
        rig.pass(14'000);
        EXPECT_EQ(rig.say(one, "C0 00"), "");
    }
    EXPECT_TRUE(control->is_open && !control->is_finished);
    rig.pass(15'100);
    EXPECT_TRUE(control->is_finished);
    EXPECT_FALSE(one->is_open);
}

TEST_F(ChannelsTest, WhoEndsAStreamStillReadsWhatItIsOwed) {
    const Wire control = connect("c"), one = rig.open(control);
    rig.turn();
    rig.set_room(one, 0);
    rig.send(one, "32 [('x') 0001 'p']");
    one->is_ended = one->news.ended = true;
    rig.turn();
    EXPECT_TRUE(one->is_open && !one->is_finished);
    rig.set_room(one, 100);
    rig.turn();
    EXPECT_EQ(heard(one), hex("40 02 0001"));
    EXPECT_TRUE(one->is_finished && !one->is_open && !one->reset_code);
    EXPECT_EQ(rig.say(control, "C0 00"), "D000");
}

// Subscriptions of a stream, once the connection has gone.
class ChannelsLeft : public ChannelsTest {
protected:
    ChannelsLeft() : ChannelsTest(BrokerRig::quiet()) {}

    // The client is back, on its first stream alone.
    std::string return_as(const std::string& flags) {
        back = rig.dial();
        return rig.say(back, "10 [('MQTT') 04 " + flags + " 0000 ('c')]");
    }
    Wire back;
};

TEST_F(ChannelsLeft, AreTheSessionsUntilAStreamAsksAnew) {
    const Wire control = connect("c", "00"), one = rig.open(control), two = rig.open(control);
    subscribe(one, "a", "01");
    subscribe(two, "a", "01");
    subscribe(control, "mine", "01");
    rig.hang_up(control, {one, two});
    EXPECT_FALSE(one->is_open || two->is_open);
    const Wire writer = connect("writer");
    rig.say(writer, "32 [('mine') 0001 '1'] 32 [('a') 0002 '2']");
    EXPECT_EQ(return_as("00"), hex("20 02 01 00 32 [('mine') 0001 '1'] 32 [('a') 0002 '2']"))
        << "once, though two streams had asked";
    rig.say(back, "40 02 0001 40 02 0002");

    const Wire again = rig.open(back);
    subscribe(again, "a", "01");
    rig.say(writer, "32 [('a') 0003 '3']");
    EXPECT_EQ(heard(again), hex("32 [('a') 0003 '3']"));
    EXPECT_EQ(heard(back), "");
    subscribe(again, "mine", "01");
    rig.say(writer, "32 [('mine') 0004 '4']");
    EXPECT_EQ(heard(back), hex("32 [('mine') 0005 '4']")) << "it is not inherited";
    EXPECT_EQ(heard(again), hex("32 [('mine') 0004 '4']"));
}

TEST_F(ChannelsLeft, BringWhatWasNotAcknowledged) {
    const Wire control = connect5("c", "11 000000FF 21 0002");
    const Wire one = rig.open(control);
    rig.say(one, "82 [0001 [0B 07] ('a') 02]");
    const Wire writer = connect("writer");
    rig.say(writer, "32 [('a') 0001 '1'] 34 [('a') 0002 '2'] 32 [('a') 0003 '3']");
    EXPECT_EQ(heard(one), hex("32 [('a') 0001 [0B 07] '1'] 34 [('a') 0002 [0B 07] '2']"));
    rig.hang_up(control, {one});
    back = rig.dial();
    EXPECT_THAT(rig.say(back, "10 [('MQTT') 05 00 0000 [21 0002] ('c')]"),
                testing::EndsWith(hex("32 [('a') 0003 [0B 07] '1'] 32 [('a') 0004 [0B 07] '3']")))
        << "QoS 2 once sent is not sent on another stream";
}

TEST(ChannelsInherited, MayFillTheQueueToItsBound) {
    BrokerOptions options = BrokerRig::quiet();
    options.client_bytes = 10'000;
    BrokerRig rig(options);
    const Wire control = rig.dial(), one = rig.open(control);
    rig.say(control, "10 [('MQTT') 05 00 0000 [11 000000FF 21 0001] ('c')]");
    rig.say(one, "82 [0001 [] ('a') 01]");
    const Wire writer = rig.dial();
    rig.say(writer, "10 [('MQTT') 04 02 0000 ('writer')]");
    for (int i = 0; i < 8; ++i) rig.say(writer, "32 [('a') 0001 '" + std::string(800, 'p') + "']");
    rig.hang_up(control, {one});
    EXPECT_EQ(rig.broker().counters()[Count::DroppedQueueFull], 0u);
}

TEST_F(ChannelsLeft, EndWithASessionThatEnds) {
    const Wire control = connect("c"), one = rig.open(control);
    subscribe(one, "a", "01");
    rig.hang_up(control);
    EXPECT_EQ(return_as("00"), hex("20 02 00 00"));
    rig.say(connect("writer"), "32 [('a') 0001 '1']");
    EXPECT_EQ(heard(back), "");
}

TEST_F(ChannelsLeft, OfAShareGroupStayItsMembers) {
    const Wire control = connect("c", "00"), one = rig.open(control);
    subscribe(one, "$share/g/a", "01");
    rig.hang_up(control, {one});
    EXPECT_EQ(return_as("00"), hex("20 02 01 00"));
    rig.say(connect("writer"), "32 [('a') 0001 '1']");
    EXPECT_EQ(heard(back), hex("32 [('a') 0001 '1']"));
    EXPECT_EQ(rig.say(back, "A2 [0002 ('$share/g/a')]"), hex("B0 02 0002"));
    EXPECT_EQ(count(Count::Subscriptions), 0u);
}

BrokerOptions forgetful() {
    BrokerOptions options = BrokerRig::quiet();
    options.keeps_stream_subscriptions = false;
    return options;
}

TEST(ChannelsForgotten, EndWithTheFirstStreamAndLeaveTheSession) {
    BrokerRig rig(forgetful());
    const Wire control = rig.dial(), one = rig.open(control);
    rig.say(control, "10 [('MQTT') 04 00 0000 ('c')] 82 [0001 ('mine') 01]");
    EXPECT_EQ(rig.say(one, "82 [0001 ('its') 01]"), hex("90 03 0001 01"));
    rig.hang_up(control);
    EXPECT_FALSE(one->is_open);
    const Wire writer = rig.dial();
    rig.say(writer, "10 [('MQTT') 04 02 0000 ('writer')]");
    rig.say(writer, "32 [('mine') 0001 '1'] 32 [('its') 0002 '2']");
    const Wire back = rig.dial();
    EXPECT_EQ(rig.say(back, "10 [('MQTT') 04 00 0000 ('c')]"),
              hex("20 02 01 00 32 [('mine') 0001 '1']"));
    EXPECT_EQ(rig.broker().counters()[Count::SessionsAbsent], 0u);
}

TEST_F(ChannelsTest, ATakeoverEndsThem) {
    const Wire control = connect("c"), one = rig.open(control);
    subscribe(one, "a");
    const Wire taker = connect("c");
    EXPECT_FALSE(one->is_open);
    rig.say(taker, "30 [('a') '1']");
    EXPECT_EQ(heard(one) + heard(taker), "");
}

TEST_F(ChannelsTest, ASlowStreamStopsNoOther) {
    const Wire control = connect("c"), slow = rig.open(control), quick = rig.open(control);
    subscribe(slow, "a", "01");
    subscribe(quick, "a", "01");
    rig.set_room(slow, 0);
    const Wire writer = connect("writer");
    const std::string payload(1'000, 'p');
    for (int i = 0; i < 20; ++i) {
        rig.say(writer, "30 [('a') '" + payload + "']");
        EXPECT_EQ(heard(quick), hex("30 [('a') '" + payload + "']"));
    }
    EXPECT_NE(count(Count::DroppedOutboxFull), 0u);
    EXPECT_EQ(rig.say(control, "C0 00"), "D000");
}

TEST_F(ChannelsTest, NoLocalHoldsOverAllStreams) {
    const Wire control = connect5("c", ""), one = rig.open(control), two = rig.open(control);
    rig.say(one, "82 [0001 [] ('a') 04]");
    rig.say(control, "82 [0001 [] ('a') 04]");
    rig.say(two, "30 [('a') [] '1']");
    EXPECT_EQ(heard(one) + heard(control), "");
    rig.say(connect("writer"), "30 [('a') '2']");
    EXPECT_EQ(heard(one), hex("30 [('a') [] '2']"));
}

TEST_F(ChannelsTest, SubscriptionsAreLimitedByClient) {
    const Wire control = connect("c"), one = rig.open(control), two = rig.open(control);
    subscribe(one, "a");
    subscribe(two, "b");
    EXPECT_EQ(rig.say(control, "82 [0003 ('c') 00]"), hex("90 03 0003 80"));
    EXPECT_EQ(rig.say(one, "E0 00"), "");
    subscribe(control, "c");
}

TEST_F(ChannelsTest, MembersOfShareGroupsReturnWhatTheyLeave) {
    const Wire control = connect5("c", "21 0001"), one = rig.open(control);
    rig.say(one, "82 [0001 [] ('$share/g/a') 01]");
    const Wire writer = connect("writer");
    rig.say(writer, "32 [('a') 0001 '1'] 32 [('a') 0002 '2']");
    EXPECT_EQ(heard(one), hex("32 [('a') 0001 [] '1']"));
    const Wire other = connect("other");
    subscribe(other, "$share/g/a", "01");
    rig.say(one, "E0 00");
    EXPECT_EQ(heard(other), hex("32 [('a') 0001 '1'] 32 [('a') 0002 '2']"));
}

// Each stream has a window of its own, but there are 65,535 identifiers for all of them.
TEST(ChannelsLimit, IdentifiersAreSharedByAllStreams) {
    BrokerOptions options = BrokerRig::quiet();
    options.inflight_out = 65'535;
    options.outbox_bytes = 64 << 20;
    options.queue_messages = 1'000'000;
    options.client_bytes = 1 << 30;
    BrokerRig rig(options);
    const Wire control = rig.dial();
    rig.say(control, "10 [('MQTT') 05 02 0000 [] ('c')]");
    const Wire one = rig.open(control);
    rig.say(control, "82 [0001 [] ('a') 01]");
    rig.say(one, "82 [0001 [] ('b') 01]");
    const Wire writer = rig.dial();
    rig.say(writer, "10 [('MQTT') 04 02 0000 ('writer')]");
    for (int i = 0; i < 65'535; i += 1'000) {
        std::string many;
        for (int at = i; at < std::min(i + 1'000, 65'535); ++at) many += "32 [('a') 0001 ''] ";
        rig.send(writer, many);
        rig.turn();
        writer->from_broker.clear();
    }
    BrokerRig::heard(control);
    rig.say(writer, "32 [('b') 0001 'waits']");
    EXPECT_EQ(BrokerRig::heard(one), "");
    rig.say(control, "40 02 0007");
    EXPECT_EQ(BrokerRig::heard(one), hex("32 [('b') 0007 [] 'waits']"));
}

// Its last PUBLISH may have to wait for another core.
TEST(ChannelsOverCores, WhoEndsAStreamHearsWhatItIsOwed) {
    CoresRig rig{{.cores = 2}};
    const Wire reader = rig.connect(1, "reader");
    rig.subscribe(reader, "x");
    const Wire control = rig.connect(0, "c"), one = rig.open(control);
    rig.turn();
    rig.send(one, "32 [('x') 0001 'p']");
    one->is_ended = one->news.ended = true;
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(one), hex("40 02 0001"));
    EXPECT_TRUE(one->is_finished && !one->is_open);
}

// A client at home on another core than where it arrived.
TEST(ChannelsOverCores, OpenAtHome) {
    for (CoreId home = 0; home < 3; ++home) {
        CoresRig rig{{.cores = 3}};
        int number = 0;
        std::string id;
        do id = "c" + std::to_string(number++);
        while (rig.commons().home_of(id) != home);
        const Wire control = rig.dial(0);
        const Wire one = rig.open(control);
        rig.send(one, "82 [0001 ('t') 01]");
        EXPECT_EQ(rig.say(control, "10 [('MQTT') 04 02 0000 ('" + id + "')]"), "20020000");
        EXPECT_EQ(BrokerRig::heard(one), hex("90 03 0001 01"));
        const Wire two = rig.open(control);
        EXPECT_EQ(rig.say(two, "32 [('t') 0001 'p']"), hex("40 02 0001"));
        EXPECT_EQ(BrokerRig::heard(one), hex("32 [('t') 0001 'p']"));
    }
}

}  // namespace
}  // namespace starling
