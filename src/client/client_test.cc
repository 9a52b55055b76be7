#include "client/client.h"

#include <array>

#include <gtest/gtest.h>

#include "client/link.h"
#include "client/testing.h"

namespace starling {
namespace {

constexpr auto V3 = Version::V3;
constexpr auto V4 = Version::V4;

OutgoingMessage message(std::string topic, std::string_view payload, Qos qos) {
    const Bytes bytes = as_bytes(payload);
    return {.topic = std::move(topic),
            .payload = {bytes.begin(), bytes.end()},
            .qos = qos,
            .properties = {}};
}

// --- The handshake -------------------------------------------------------------------------------

std::string connect_packet(ClientOptions options) {
    ClientRig rig(std::move(options));
    rig.client().connect();
    rig.turn();
    return rig.heard();
}

TEST(ClientConnect, SaysWhatItsOptionsSay) {
    EXPECT_EQ(connect_packet({.version = V3, .client_id = "me"}),
              hex("10[('MQIsdp') 03 02 003C ('me')]"));
    EXPECT_EQ(connect_packet({.version = V4, .clean_start = false, .keep_alive_s = 5}),
              hex("10[('MQTT') 04 00 0005 ('')]"));
    EXPECT_EQ(connect_packet({.version = V4, .user_name = "u", .password = "p"}),
              hex("10[('MQTT') 04 C2 003C ('') ('u') ('p')]"));
    EXPECT_EQ(connect_packet({.session_expiry_interval_s = 1,
                              .receive_maximum = 2,
                              .topic_alias_maximum = 3,
                              .packet_bytes_max = 4}),
              hex("10[('MQTT') 05 02 003C [11 00000001 21 0002 27 00000004 22 0003] ('')]"));
}

TEST(ClientConnect, CarriesTheWill) {
    OutgoingMessage will = message("w", "gone", Qos::AtLeastOnce);
    will.retain = true;
    will.expiry_interval_s = 9;
    will.properties.add_u32(Property::WillDelayInterval, 8);
    EXPECT_EQ(connect_packet({.will = will, .packet_bytes_max = kPacketBytesMax}),
              hex("10[('MQTT') 05 2E 003C [] ('') [18 00000008 02 00000009] ('w') ('gone')]"));
}

TEST(ClientConnect, TakesTheServersKeepAliveAndClientId) {
    ClientRig rig({.keep_alive_s = 60});
    rig.connect("20[00 00 [12('given') 13 000A]]");
    EXPECT_EQ(rig.client().client_id(), "given");
    rig.pass(8'900);
    EXPECT_EQ(rig.heard(), "");
    rig.pass(200);
    EXPECT_EQ(rig.heard(), hex("C000"));
}

TEST(ClientConnect, IsRefusedForGoodOrForNow) {
    ClientRig rig({.version = V4});
    rig.connect("20 02 00 05");
    EXPECT_EQ(rig.log, "refused(not authorized). ");
    rig.make({.version = V4});
    rig.connect("20 02 00 03");
    EXPECT_EQ(rig.log, "refused(not authorized). refused(server unavailable)... ");
}

TEST(ClientConnect, RefusesAuthentication) {
    ClientRig rig;
    rig.client().connect();
    rig.turn();
    rig.heard();
    EXPECT_EQ(rig.say("F0[18 [15('SCRAM')]]"), hex("E0[8C]"));
    rig.hang_up();
    EXPECT_EQ(rig.log, "violation(bad authentication method). ");
}

TEST(ClientConnect, TellsTheServerOfItsMistake) {
    ClientRig rig;
    rig.client().connect();
    rig.turn();
    rig.heard();
    EXPECT_EQ(rig.say("D000"), hex("E0[82]"));  // PINGRESP before CONNACK
    EXPECT_TRUE(rig.wire().is_finished);
    EXPECT_EQ(rig.log, "");
    rig.hang_up();
    EXPECT_EQ(rig.log, "violation(protocol error)... ");
}

TEST(ClientConnect, DoesNotWaitForEver) {
    ClientRig rig;
    rig.client().connect();
    rig.turn();
    rig.pass(30'100);
    EXPECT_EQ(rig.log, "unreachable... ");
    EXPECT_FALSE(rig.wire().is_open);
}

TEST(ClientConnect, ResolvesNamesOnTheSide) {
    ClientRig rig;
    rig.make({.host = "no.such.host.invalid"});
    rig.client().connect();
    for (int i = 0; i < 1'000'000 && rig.log.empty(); ++i) rig.turn();
    EXPECT_EQ(rig.log, "unresolved... ");
}

// --- The end of a connection, and the next -------------------------------------------------------

TEST(ClientReconnect, WaitsLongerAfterEachFailure) {
    ClientRig rig;
    rig.refuse_dials = 3;
    rig.client().connect();
    rig.turn();
    EXPECT_EQ(rig.log, "unreachable... ");
    EXPECT_LE(rig.retry_in_ms, 1'000u);
    rig.pass(1'100);
    rig.pass(2'100);
    EXPECT_EQ(rig.log, "unreachable... unreachable... unreachable... ");
    EXPECT_GE(rig.retry_in_ms, 2'000u);
    rig.pass(4'100);
    rig.heard();
    rig.say(kAccepted5);
    EXPECT_EQ(rig.log, "unreachable... unreachable... unreachable... connected ");
    rig.hang_up();
    EXPECT_LE(rig.retry_in_ms, 1'000u);
}

TEST(ClientReconnect, GivesUpWhenToldTo) {
    ClientRig rig({.reconnect = {.is_enabled = false}});
    rig.connect(kAccepted5);
    rig.hang_up();
    EXPECT_EQ(rig.log, "connected lost. ");
    rig.connect(kAccepted5);
    EXPECT_EQ(rig.log, "connected lost. connected ");
}

TEST(ClientReconnect, ResumesWhatMayHaveOutlivedTheConnection) {
    ClientRig rig({.session_expiry_interval_s = 60, .packet_bytes_max = kPacketBytesMax});
    rig.client().connect();
    rig.turn();
    EXPECT_EQ(rig.heard(), hex("10[('MQTT') 05 02 003C [11 0000003C] ('')]"));
    rig.say(kAccepted5);
    rig.hang_up();
    rig.pass(1'100);
    EXPECT_EQ(rig.heard(), hex("10[('MQTT') 05 00 003C [11 0000003C] ('')]"));
    rig.say(kResumed5);
    EXPECT_EQ(rig.log, "connected lost... resumed ");
}

TEST(ClientReconnect, DoesNotFightATakeover) {
    ClientRig rig;
    rig.connect(kAccepted5);
    rig.say("E0[8E]");
    EXPECT_EQ(rig.log, "connected disconnected(session taken over). ");
}

TEST(ClientReconnect, LeavesASilentServer) {
    ClientRig rig({.keep_alive_s = 10, .ping_timeout_ms = 5'000});
    rig.connect(kAccepted5);
    rig.pass(9'100);
    EXPECT_EQ(rig.heard(), hex("C000"));
    rig.say("D000");
    rig.pass(9'100);
    EXPECT_EQ(rig.heard(), hex("C000"));
    rig.pass(5'100);
    EXPECT_EQ(rig.log, "connected pingunanswered... ");
}

TEST(ClientReconnect, ForgetsThePingOfTheLastConnection) {
    ClientRig rig({.keep_alive_s = 10, .ping_timeout_ms = 5'000});
    rig.connect(kAccepted5);
    rig.pass(9'100);
    rig.hang_up();
    rig.pass(1'100);
    rig.say(kAccepted5);
    rig.pass(9'100);
    EXPECT_EQ(rig.heard(), hex("C000"));
    EXPECT_EQ(rig.log, "connected lost... connected ");
}

TEST(ClientKeepAlive, PingsInEachInterval) {
    ClientRig rig({.keep_alive_s = 10});
    rig.connect(kAccepted5);
    for (int i = 0; i < 3; ++i) {
        rig.pass(8'900);
        EXPECT_EQ(rig.heard(), "");
        rig.pass(200);
        EXPECT_EQ(rig.heard(), hex("C000"));
        rig.say("D000");
    }
}

TEST(ClientDisconnect, SaysSoAndWaitsForTheServersEnd) {
    ClientRig rig;
    rig.connect(kAccepted5);
    rig.client().disconnect();
    rig.turn();
    EXPECT_EQ(rig.heard(), hex("E000"));
    EXPECT_TRUE(rig.wire().is_finished);
    rig.say("30[('a')[]'late']");
    EXPECT_EQ(rig.log, "connected ");
    rig.hang_up();
    EXPECT_EQ(rig.log, "connected requested. ");
    EXPECT_FALSE(rig.wire().is_open);
}

TEST(ClientDisconnect, DoesNotWaitForEver) {
    ClientRig rig;
    rig.connect(kAccepted5);
    rig.set_room(0);
    rig.client().disconnect(Reason::DisconnectWithWill);
    rig.pass(2'100);
    EXPECT_EQ(rig.log, "connected requested(disconnect with will message). ");
}

TEST(ClientDisconnect, EndsAnAttemptToo) {
    ClientRig rig;
    rig.client().connect();
    rig.client().disconnect();
    rig.turn();
    rig.turn();
    EXPECT_EQ(rig.log, "requested. ");
    EXPECT_EQ(rig.dials(), 0u);
}

TEST(Client, MayBeDestroyedInACallback) {
    ClientRig rig;
    rig.on_event = [&] { rig.destroy(); };
    rig.connect(kAccepted5);
    EXPECT_EQ(rig.log, "connected ");
    EXPECT_FALSE(rig.wire().is_open);
    EXPECT_EQ(rig.heard(), "");

    rig.make({});
    rig.on_event = nullptr;
    rig.connect(kAccepted5);
    rig.client().on("#", [&](const IncomingMessage&) { rig.destroy(); });
    rig.say("30[('a')[]] 30[('a')[]]");
    EXPECT_FALSE(rig.wire().is_open);
}

// --- Publishing ----------------------------------------------------------------------------------

TEST(ClientPublish, WaitsForItsAnswers) {
    ClientRig rig({.version = V4});
    rig.connect(kAccepted3);
    ASSERT_TRUE(rig.client().publish(message("a", "0", Qos::AtMostOnce), rig.logs("zero")));
    ASSERT_TRUE(rig.client().publish(message("a", "1", Qos::AtLeastOnce), rig.logs("one")));
    ASSERT_TRUE(rig.client().publish(message("a", "2", Qos::ExactlyOnce), rig.logs("two")));
    rig.turn();
    EXPECT_EQ(rig.heard(), hex("30[('a')'0'] 32[('a')0001'1'] 34[('a')0002'2']"));
    EXPECT_EQ(rig.log, "connected zero:success ");
    EXPECT_EQ(rig.client().unfinished(), 2u);
    EXPECT_EQ(rig.say("4002 0002 4002 0007"), "");  // answers nothing
    EXPECT_EQ(rig.say("4002 0001 5002 0002"), hex("6202 0002"));
    EXPECT_EQ(rig.say("7002 0002"), "");
    EXPECT_EQ(rig.log, "connected zero:success one:success two:success ");
    EXPECT_EQ(rig.client().unfinished(), 0u);
}

TEST(ClientPublish, IsRefusedByTheServer) {
    ClientRig rig;
    rig.connect(kAccepted5);
    ASSERT_TRUE(rig.client().publish(message("a", "", Qos::AtLeastOnce), rig.logs("one")));
    ASSERT_TRUE(rig.client().publish(message("a", "", Qos::ExactlyOnce), rig.logs("two")));
    rig.turn();
    rig.say("40[0001 87] 50[0002 97]");
    EXPECT_EQ(rig.log, "connected one:not authorized two:quota exceeded ");
}

TEST(ClientPublish, WaitsForTheConnection) {
    ClientRig rig({.version = V4});
    ASSERT_TRUE(rig.client().publish(message("a", "", Qos::AtLeastOnce)));
    rig.client().connect();
    rig.turn();
    rig.heard();
    EXPECT_EQ(rig.say(kAccepted3), hex("32[('a')0001]"));
}

TEST(ClientPublish, GoesOnWhereTheLastConnectionEnded) {
    ClientRig rig({.version = V4, .clean_start = false});
    rig.connect(kAccepted3);
    ASSERT_TRUE(rig.client().publish(message("a", "1", Qos::AtLeastOnce)));
    ASSERT_TRUE(rig.client().publish(message("a", "2", Qos::ExactlyOnce)));
    ASSERT_TRUE(rig.client().publish(message("a", "3", Qos::ExactlyOnce)));
    rig.turn();
    rig.say("5002 0002");
    rig.hang_up();
    ASSERT_TRUE(rig.client().publish(message("a", "4", Qos::AtLeastOnce)));
    rig.pass(1'100);
    rig.heard();
    EXPECT_EQ(rig.say(kResumed3),
              hex("3A[('a')0001'1'] 6202 0002 3C[('a')0003'3'] 32[('a')0004'4']"));
}

TEST(ClientPublish, StartsAfreshWhenTheServerHasLostTheSession) {
    ClientRig rig({.version = V4, .clean_start = false});
    rig.connect(kAccepted3);
    ASSERT_TRUE(rig.client().publish(message("a", "1", Qos::AtLeastOnce)));
    ASSERT_TRUE(rig.client().publish(message("a", "2", Qos::ExactlyOnce), rig.logs("two")));
    rig.turn();
    rig.say("5002 0002");
    rig.hang_up();
    rig.pass(1'100);
    rig.heard();
    EXPECT_EQ(rig.say(kAccepted3), hex("32[('a')0003'1']"));
    EXPECT_EQ(rig.log, "connected lost... connected two:success ");
}

TEST(ClientPublish, RespectsTheReceiveMaximum) {
    ClientRig rig;
    rig.connect("20[00 00 [21 0002]]");
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(rig.client().publish(message("a", "", Qos::AtLeastOnce)));
    rig.turn();
    EXPECT_EQ(rig.heard(), hex("32[('a')0001[]] 32[('a')0002[]]"));
    EXPECT_EQ(rig.say("4002 0002"), hex("32[('a')0003[]]"));
}

TEST(ClientPublish, DoesNotSendWhatTheServerForbids) {
    ClientRig rig;
    rig.connect("20[00 00 [24 01 25 00 27 00000014]]");
    OutgoingMessage retained = message("a", "", Qos::AtMostOnce);
    retained.retain = true;
    ASSERT_TRUE(rig.client().publish(std::move(retained), rig.logs("retained")));
    ASSERT_TRUE(rig.client().publish(message("a", "", Qos::ExactlyOnce), rig.logs("two")));
    ASSERT_TRUE(
        rig.client().publish(message("a", "fifteen letters", Qos::AtMostOnce), rig.logs("large")));
    ASSERT_TRUE(
        rig.client().publish(message("a", "fourteen bytes", Qos::AtMostOnce), rig.logs("fits")));
    rig.turn();
    EXPECT_EQ(rig.heard(), hex("30[('a')[]'fourteen bytes']"));
    EXPECT_EQ(rig.log,
              "connected retained:retain not supported two:QoS not supported "
              "large:packet too large fits:success ");
}

TEST(ClientPublish, SendsATopicOnceUnderItsAlias) {
    ClientRig rig;
    rig.connect("20[00 00 [22 0001]]");
    for (const auto alias : std::to_array<std::uint16_t>({1, 1, 2})) {
        OutgoingMessage aliased = message("long/topic", "", Qos::AtMostOnce);
        aliased.topic_alias = alias;
        ASSERT_TRUE(rig.client().publish(std::move(aliased)));
    }
    rig.turn();
    EXPECT_EQ(rig.heard(),
              hex("30[('long/topic')[23 0001]] 30[('')[23 0001]] 30[('long/topic')[]]"));
}

TEST(ClientPublish, NamesATopicAnewOnEachConnection) {
    ClientRig rig;
    for (int i = 0; i < 2; ++i) {
        rig.connect("20[00 00 [22 0001]]");
        OutgoingMessage aliased = message("a", "", Qos::AtMostOnce);
        aliased.topic_alias = 1;
        ASSERT_TRUE(rig.client().publish(std::move(aliased)));
        rig.turn();
        EXPECT_EQ(rig.heard(), hex("30[('a')[23 0001]]"));
        rig.hang_up();
        rig.pass(1'100);
    }
}

TEST(ClientPublish, CarriesItsProperties) {
    ClientRig rig;
    rig.connect(kAccepted5);
    OutgoingMessage request = message("a", "", Qos::AtMostOnce);
    request.expiry_interval_s = 7;
    request.properties.add_string(Property::ResponseTopic, "r");
    request.properties.add_user("k", "v");
    ASSERT_TRUE(rig.client().publish(std::move(request)));
    rig.turn();
    EXPECT_EQ(rig.heard(), hex("30[('a')[02 00000007 08('r') 26('k')('v')]]"));
}

TEST(ClientPublish, RefusesBeyondItsBounds) {
    ClientRig rig({.messages_max = 2, .message_bytes_max = 10});
    EXPECT_TRUE(rig.client().publish(message("a", "alone it may be larger", Qos::AtMostOnce)));
    EXPECT_FALSE(rig.client().publish(message("a", "", Qos::AtMostOnce)));

    rig.make({.messages_max = 2, .message_bytes_max = 10});
    EXPECT_TRUE(rig.client().publish(message("a", "", Qos::AtMostOnce)));
    EXPECT_TRUE(rig.client().publish(message("a", "", Qos::AtMostOnce)));
    EXPECT_FALSE(rig.client().publish(message("a", "", Qos::AtMostOnce)));
    rig.connect(kAccepted5);
    EXPECT_TRUE(rig.client().publish(message("a", "", Qos::AtMostOnce)));
}

TEST(ClientPublish, GivesBackTheRoomOfWhatIsAnswered) {
    ClientRig rig({.version = V4, .message_bytes_max = 10});
    rig.connect(kAccepted3);
    ASSERT_TRUE(rig.client().publish(message("a", "", Qos::AtLeastOnce)));
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(rig.client().publish(message("a", "8 bytes.", Qos::AtMostOnce)));
        ASSERT_FALSE(rig.client().publish(message("a", "8 bytes.", Qos::AtMostOnce)));
        rig.turn();
    }
}

TEST(ClientPublish, FillsASlowConnectionToItsBoundOnly) {
    ClientRig rig({.version = V4});
    rig.connect(kAccepted3);
    rig.set_room(0);
    const std::string body(30'000, 'x');
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(rig.client().publish(message("a", body, Qos::AtMostOnce)));
    rig.turn();
    EXPECT_EQ(rig.client().unfinished(), 2u);  // three are above 64 KiB
    rig.set_room(1'000'000);
    rig.turn();
    rig.turn();
    EXPECT_EQ(rig.client().unfinished(), 0u);
    EXPECT_EQ(rig.heard().size(), 2u * 5 * (30'000 + 7));
}

MessageView view(std::string_view payload, Qos qos) {
    return {.topic = "a", .payload = as_bytes(payload), .qos = qos};
}

TEST(ClientPublishNow, WritesAtOnceAndTellsTheAnswer) {
    ClientRig rig({.version = V4});
    rig.connect(kAccepted3);
    ASSERT_TRUE(rig.client().publish_now(view("0", Qos::AtMostOnce), rig.logs("zero")));
    ASSERT_TRUE(rig.client().publish_now(view("1", Qos::AtLeastOnce), rig.logs("one")));
    ASSERT_TRUE(rig.client().publish_now(view("2", Qos::ExactlyOnce), rig.logs("two")));
    rig.turn();
    EXPECT_EQ(rig.heard(), hex("30[('a')'0'] 32[('a')0001'1'] 34[('a')0002'2']"));
    EXPECT_EQ(rig.say("5002 0002 4002 0001"), hex("6202 0002"));
    rig.say("7002 0002");
    EXPECT_EQ(rig.log, "connected zero:success one:success two:success ");
}

TEST(ClientPublishNow, RefusesWhatWouldWaitAndSaysWhenItWouldNot) {
    ClientRig rig({.version = V4, .inflight_max = 1});
    EXPECT_FALSE(rig.client().publish_now(view("early", Qos::AtMostOnce)));
    rig.connect(kAccepted3);
    EXPECT_EQ(rig.log, "connected room ");

    ASSERT_TRUE(rig.client().publish(message("a", "first", Qos::AtLeastOnce)));
    EXPECT_FALSE(rig.client().publish_now(view("second", Qos::AtMostOnce))) << "it would overtake";
    rig.turn();
    EXPECT_FALSE(rig.client().publish_now(view("second", Qos::AtLeastOnce))) << "a full window";
    rig.say("4002 0001");
    EXPECT_EQ(rig.log, "connected room room ");

    rig.set_room(0);
    const std::string large(ClientLink::kOutboxBytes, 'x');
    ASSERT_TRUE(rig.client().publish_now(view(large, Qos::AtMostOnce)));
    EXPECT_FALSE(rig.client().publish_now(view("third", Qos::AtMostOnce))) << "a slow server";
    rig.turn();
    EXPECT_EQ(rig.log, "connected room room ");
    rig.set_room(1 << 20);
    rig.turn();
    EXPECT_EQ(rig.log, "connected room room room ");
}

TEST(ClientPublishNow, IsLostWithTheConnection) {
    ClientRig rig({.version = V4});
    rig.connect(kAccepted3);
    ASSERT_TRUE(rig.client().publish_now(view("lost", Qos::AtLeastOnce), rig.logs("lost")));
    ASSERT_TRUE(rig.client().publish(message("a", "kept", Qos::AtLeastOnce), rig.logs("kept")));
    rig.turn();
    rig.hang_up();
    EXPECT_EQ(rig.client().unfinished(), 1u);
    rig.pass(1'100);
    rig.heard();
    EXPECT_EQ(rig.say(kAccepted3), hex("32[('a')0003'kept']"));
    rig.say("4002 0003");
    EXPECT_EQ(rig.log, "connected lost... connected kept:success ");
}

// The first keeps its identifier while all others go round.
TEST(ClientPublishNow, GivesOutNoIdentifierThatIsInUse) {
    ClientRig rig({.version = V4});
    rig.connect(kAccepted3);
    const auto next_id = [&] {
        EXPECT_TRUE(rig.client().publish_now(view("", Qos::AtLeastOnce)));
        rig.turn();
        return rig.heard().substr(10);
    };
    ASSERT_EQ(next_id(), "0001");
    for (std::uint32_t id = 2; id <= 65'535; ++id) {
        next_id();
        const ByteVector puback = {std::byte{0x40}, std::byte{2}, static_cast<std::byte>(id >> 8),
                                   static_cast<std::byte>(id)};
        rig.send(puback);
        rig.turn();
    }
    EXPECT_EQ(rig.client().unfinished(), 1u);
    EXPECT_EQ(next_id(), "0002");
}

// --- Receiving -----------------------------------------------------------------------------------

TEST(ClientReceive, AcknowledgesAndDeliversOnce) {
    ClientRig rig({.version = V4});
    rig.connect(kAccepted3);
    EXPECT_EQ(rig.say("30[('a')'0'] 32[('a')0001'1'] 34[('a')0001'2']"),
              hex("4002 0001 5002 0001"));
    EXPECT_EQ(rig.say("3C[('a')0001'2']"), hex("5002 0001"));
    EXPECT_EQ(rig.say("6202 0001"), hex("7002 0001"));
    EXPECT_EQ(rig.say("34[('a')0001'3']"), hex("5002 0001"));
    EXPECT_EQ(rig.log, "connected a=0 a=1 a=2 a=3 ");
}

TEST(ClientReceive, RemembersQos2AcrossConnections) {
    ClientRig rig({.version = V4, .clean_start = false});
    rig.connect(kAccepted3);
    rig.say("34[('a')0001'2']");
    rig.hang_up();
    rig.pass(1'100);
    rig.say(kResumed3);
    rig.say("3C[('a')0001'2']");
    EXPECT_EQ(rig.log, "connected a=2 lost... resumed ");
    rig.hang_up();
    rig.pass(1'100);
    rig.say(kAccepted3);
    rig.say("34[('a')0001'new']");
    EXPECT_EQ(rig.log, "connected a=2 lost... resumed lost... connected a=new ");
}

TEST(ClientReceive, PutsPiecesTogether) {
    ClientRig rig({.version = V4});
    rig.connect(kAccepted3);
    rig.wire().piece = 1;
    rig.send(wire("30[('topic')'payload'] 30[('a')'b']"));
    for (int i = 0; i < 10; ++i) rig.turn();
    EXPECT_EQ(rig.log, "connected topic=payload a=b ");
}

TEST(ClientReceive, UnderstandsTopicAliases) {
    ClientRig rig({.topic_alias_maximum = 2});
    rig.connect(kAccepted5);
    rig.say("30[('a')[23 0002]'1'] 30[('')[23 0002]'2']");
    EXPECT_EQ(rig.log, "connected a=1 a=2 ");
    EXPECT_EQ(rig.say("30[('')[23 0001]'3']"), hex("E0[82]"));  // never set
    rig.hang_up();
    rig.pass(1'100);
    rig.heard();
    rig.say(kAccepted5);
    EXPECT_EQ(rig.say("30[('')[23 0002]'3']"), hex("E0[82]"));  // set on another connection
    rig.hang_up();
    rig.pass(1'100);
    rig.heard();
    rig.say(kAccepted5);
    EXPECT_EQ(rig.say("30[('b')[23 0003]'4']"), hex("E0[94]"));
}

TEST(ClientReceive, HoldsTheServerToItsMaxima) {
    ClientRig rig({.receive_maximum = 1, .packet_bytes_max = 20});
    rig.connect(kAccepted5);
    EXPECT_EQ(rig.say("34[('a')0001[]] 34[('a')0002[]]"), hex("5002 0001 E0[93]"));
    rig.make({.packet_bytes_max = 20});
    rig.connect(kAccepted5);
    EXPECT_EQ(rig.say("30 7F"), hex("E0[95]"));
}

TEST(ClientReceive, HandlersGoBeforeTheListener) {
    ClientRig rig;
    rig.connect(kAccepted5);
    rig.client().on(
        "a/+", [&](const IncomingMessage& one) { rig.log += '<' + std::string(one.topic) + "> "; });
    rig.say("30[('a/b')[]] 30[('c')[]]");
    EXPECT_EQ(rig.log, "connected <a/b> c= ");
    rig.client().off("a/+");
    rig.say("30[('a/b')[]]");
    EXPECT_EQ(rig.log, "connected <a/b> c= a/b= ");
}

TEST(ClientReceive, AcknowledgesBeforeAHandlerDisconnects) {
    ClientRig rig({.version = V4});
    rig.connect(kAccepted3);
    rig.on_event = [&] { rig.client().disconnect(); };
    EXPECT_EQ(rig.say("32[('a')0001] 32[('a')0002]"), hex("4002 0001 E000"));
    EXPECT_EQ(rig.log, "connected a= ");
}

TEST(ClientReceive, SeesTheEndBehindWhatADisconnectLeftUnread) {
    ClientRig rig({.version = V4});
    rig.connect(kAccepted3);
    rig.wire().piece = 5;
    rig.on_event = [&] { rig.client().disconnect(); };
    rig.send(wire("30[('a')] 30[('a')]"));
    rig.hang_up();
    rig.on_event = nullptr;
    rig.turn();
    EXPECT_EQ(rig.log, "connected a= requested. ");
}

TEST(ClientReceive, StopsReadingWhileItsAnswersWait) {
    ClientRig rig({.version = V4});
    rig.connect(kAccepted3);
    rig.set_room(0);
    rig.wire().piece = 5;
    for (int i = 0; i < 20'000; ++i) rig.send(wire("32[('a')0001]"));
    for (int i = 0; i < 10'000; ++i) rig.turn();
    EXPECT_GT(rig.wire().to_client.size(), 0u);
    rig.set_room(1'000'000);
    for (int i = 0; i < 10'000; ++i) rig.turn();
    EXPECT_EQ(rig.heard().size(), 20'000u * 8);
}

// --- Subscribing ---------------------------------------------------------------------------------

TEST(ClientSubscribe, TellsTheAnswer) {
    ClientRig rig;
    rig.connect(kAccepted5);
    std::vector<Reason> granted;
    SubscribeRequest request{.filters = {{.filter = "a/+", .qos = Qos::ExactlyOnce},
                                         {.filter = "b", .no_local = true, .retain_handling = 2}},
                             .identifier = 5,
                             .properties = {}};
    ASSERT_TRUE(rig.client().subscribe(std::move(request), [&](std::span<const Reason> reasons) {
        granted.assign(reasons.begin(), reasons.end());
    }));
    rig.turn();
    EXPECT_EQ(rig.heard(), hex("82[0001 [0B 05] ('a/+')02 ('b')24]"));
    rig.say("90[0001 [] 02 87]");
    EXPECT_EQ(granted, (std::vector{Reason::GrantedQos2, Reason::NotAuthorized}));
}

TEST(ClientSubscribe, AsksAnewWhatWasNotAnswered) {
    ClientRig rig({.version = V4, .clean_start = false});
    rig.connect(kAccepted3);
    ASSERT_TRUE(rig.client().subscribe({.filters = {{.filter = "a"}}, .properties = {}}));
    rig.turn();
    rig.hang_up();
    rig.pass(1'100);
    rig.heard();
    EXPECT_EQ(rig.say(kResumed3), hex("82[0002 ('a')00]"));
}

TEST(ClientSubscribe, AsksAnewWhenTheServerHasLostTheSession) {
    ClientRig rig({.version = V4});
    int answers = 0;
    ASSERT_TRUE(rig.client().subscribe({.filters = {{.filter = "a"}}, .properties = {}},
                                       [&](auto) { ++answers; }));
    rig.client().connect();
    rig.turn();
    rig.heard();
    EXPECT_EQ(rig.say(kAccepted3), hex("82[0001 ('a')00]"));
    rig.say("90[0001 00]");
    rig.hang_up();
    rig.pass(1'100);
    rig.heard();
    EXPECT_EQ(rig.say(kAccepted3), hex("82[0002 ('a')00]"));
    rig.say("90[0002 00]");
    EXPECT_EQ(answers, 1);

    ASSERT_TRUE(
        rig.client().unsubscribe({.filters = {"a"}, .properties = {}}, [&](auto) { ++answers; }));
    rig.turn();
    EXPECT_EQ(rig.heard(), hex("A2[0003 ('a')]"));
    rig.say("B0[0003]");
    EXPECT_EQ(answers, 2);
    rig.hang_up();
    rig.pass(1'100);
    rig.heard();
    EXPECT_EQ(rig.say(kAccepted3), "");
}

}  // namespace
}  // namespace starling
