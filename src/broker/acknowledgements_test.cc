// When a publisher is answered, and what it is told, when other cores have a say in it.
#include <gtest/gtest.h>

#include "broker/cores_testing.h"

namespace starling {
namespace {

using Wire = BrokerRig::Wire;

std::string hex(std::string_view notation) { return BrokerRig::hex(notation); }

TEST(PublishAcks, LeaveInTheOrderOfTheirPublishes) {  // [MQTT-4.6.0-2] [MQTT-4.6.0-3]
    for (const BrokerRig::Shape shape : shapes()) {
        SCOPED_TRACE(to_string(shape));
        CoresRig rig(shape);
        const Wire reader = rig.connect(1, "reader");
        rig.subscribe(reader, "slow");
        const Wire writer = rig.connect(0, "writer");
        rig.send(writer,
                 "32 [('slow') 0001 'a'] 32 [('nobody') 0002 'b'] 34 [('nobody') 0003 'c'] "
                 "34 [('slow') 0004 'd'] 62 02 0003 32 [('nobody') 0005 'e'] C0 00");
        for (int i = 0; i < 3; ++i) rig.turn_core(0);
        EXPECT_EQ(BrokerRig::heard(writer), "D000") << "a ping waits for nobody";
        rig.turn();
        EXPECT_EQ(BrokerRig::heard(writer), hex("40 02 0001 40 02 0002 50 02 0003 50 02 0004 "
                                                "70 02 0003 40 02 0005"));
        EXPECT_EQ(BrokerRig::heard(reader), hex("30 [('slow') 'a'] 30 [('slow') 'd']"));
    }
}

TEST(PublishAcks, WaitForEveryCoreThatWantsTheMessage) {
    CoresRig rig({.cores = 4});
    for (CoreId core = 1; core < 4; ++core) rig.subscribe(rig.connect(core, "reader"), "t");
    const Wire writer = rig.connect(0, "writer");
    rig.send(writer, "32 [('t') 0001 'a']");
    rig.turn_core(0);
    for (CoreId core = 1; core < 4; ++core) {
        rig.turn_core(0);
        EXPECT_EQ(BrokerRig::heard(writer), "");
        rig.turn_core(core);
    }
    rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(writer), hex("40 02 0001"));
}

TEST(PublishAcks, OwedToAClientAreBounded) {
    BrokerOptions options = BrokerRig::quiet();
    options.inflight_in = 2;
    CoresRig rig({.cores = 2}, options);
    const Wire reader = rig.connect(1, "reader");
    rig.subscribe(reader, "t");
    const Wire writer = rig.connect(0, "writer");
    rig.send(writer, "32 [('t') 0001 'a'] 32 [('t') 0002 'b'] 32 [('t') 0003 'c']");
    for (int i = 0; i < 3; ++i) rig.turn_core(0);
    rig.turn_core(1);
    EXPECT_EQ(BrokerRig::heard(reader), hex("30 [('t') 'a'] 30 [('t') 'b']"));
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(writer), hex("40 02 0001 40 02 0002 40 02 0003"));
    EXPECT_EQ(BrokerRig::heard(reader), hex("30 [('t') 'c']"));
}

TEST(PublishAcks, OfARepeatedQos2PublishAreOneEachForOneDelivery) {  // [MQTT-4.3.3-10]
    for (const BrokerRig::Shape shape : shapes()) {
        SCOPED_TRACE(to_string(shape));
        CoresRig rig(shape);
        const Wire reader = rig.connect(1, "reader");
        rig.subscribe(reader, "t");
        const Wire writer = rig.connect(0, "writer");
        rig.send(writer, "34 [('t') 0005 'a'] 3C [('t') 0005 'a']");
        rig.turn_core(0);
        rig.send(writer, "3C [('t') 0005 'a']");
        rig.turn_core(0);
        EXPECT_EQ(BrokerRig::heard(writer), "");
        rig.turn();
        EXPECT_EQ(BrokerRig::heard(writer), hex("50 02 0005 50 02 0005 50 02 0005"));
        EXPECT_EQ(rig.say(writer, "3C [('t') 0005 'a'] 62 02 0005"), hex("50 02 0005 70 02 0005"));
        EXPECT_EQ(BrokerRig::heard(reader), hex("30 [('t') 'a']"));
        rig.say(writer, "34 [('t') 0005 'b']");
        EXPECT_EQ(BrokerRig::heard(reader), hex("30 [('t') 'b']")) << "after PUBREL it is new";
    }
}

// The client is back while other cores have yet to answer.
TEST(PublishAcks, OfAQos2PublishThatIsRepeatedAfterATakeover) {
    CoresRig rig({.cores = 2});
    const Wire reader = rig.connect(1, "reader");
    rig.subscribe(reader, "t");
    const std::string connect = "10 [('MQTT') 04 00 0000 ('" + rig.name_at(0, "writer") + "')]";
    const Wire first = rig.dial(0);
    rig.say(first, connect);
    rig.send(first, "34 [('t') 0005 'a']");
    rig.turn_core(0);
    const Wire second = rig.dial(0);
    rig.send(second, connect + " 3C [('t') 0005 'a']");
    rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(second), hex("20 02 0100"));
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(second), hex("50 02 0005"));
    EXPECT_EQ(BrokerRig::heard(reader), hex("30 [('t') 'a']"));
}

TEST(PublishAcks, SayThatNobodyMatchedOnlyWhenNobodyDidOnAnyCore) {
    for (const BrokerRig::Shape shape : shapes())
        for (CoreId core = 0; core < shape.cores; ++core) {
            SCOPED_TRACE(to_string(shape) + ", wanted by core " + std::to_string(core));
            CoresRig rig(shape);
            const std::string group = rig.name_at(0, "$share/g/s");
            rig.subscribe(rig.connect(core, "reader"), "t");
            rig.subscribe(rig.connect(core, "member"), group);
            const Wire writer = rig.connect5(0, "writer");
            EXPECT_EQ(rig.say(writer, "32 [('t') 0001 [] 'a']"), hex("40 02 0001"));
            EXPECT_EQ(rig.say(writer, "34 [('t') 0002 [] 'a']"), hex("50 02 0002"));
            EXPECT_EQ(rig.say(writer, "32 [('" + group.substr(9) + "') 0003 [] 'a']"),
                      hex("40 02 0003"));
            EXPECT_EQ(rig.say(writer, "32 [('u') 0004 [] 'a']"), hex("40 03 0004 10"));
            EXPECT_EQ(rig.say(writer, "34 [('u') 0005 [] 'a']"), hex("50 03 0005 10"));
            for (CoreId home = 0; home < rig.cores(); ++home)
                EXPECT_EQ(rig.say(writer, "33 [('" + rig.name_at(home, "v") + "') 0006 [] 'a']"),
                          hex("40 03 0006 10"))
                    << "to be retained by core " << home;
        }
}

TEST(PublishAcks, SayThatTheTopicsHomeHasNoRoom) {  // [MQTT-4.3.3-9]
    BrokerOptions options = BrokerRig::quiet();
    options.retained_messages = 1;
    for (const BrokerRig::Shape shape : shapes())
        for (CoreId home = 0; home < shape.cores; ++home) {
            SCOPED_TRACE(to_string(shape) + ", topic at core " + std::to_string(home));
            CoresRig rig(shape, options);
            const std::string topic = rig.name_at(home, "t");
            const std::string begin = " [('" + topic + "') ";
            const Wire reader = rig.connect(1, "reader");
            rig.subscribe(reader, topic);
            const Wire writer = rig.connect5(0, "writer");
            rig.say(writer, "31 [('elsewhere') [] 'x']");
            EXPECT_EQ(rig.say(writer, "33" + begin + "0001 [] 'a']"), hex("40 03 0001 97"));
            EXPECT_EQ(rig.say(writer, "35" + begin + "0002 [] 'b']"), hex("50 03 0002 97"));
            EXPECT_EQ(rig.say(writer, "35" + begin + "0002 [] 'c']"), hex("50 03 0002 97"));
            EXPECT_EQ(rig.say(writer, "62 02 0002"), hex("70 03 0002 92"));
            EXPECT_EQ(BrokerRig::heard(reader),
                      hex("30" + begin + "'a'] 30" + begin + "'b'] 30" + begin + "'c']"))
                << "it is delivered all the same, and each is a new message";

            // Below version 5 nobody is told, so the identifier is in use until PUBREL.
            const Wire old = rig.connect(0, "old");
            EXPECT_EQ(rig.say(old, "35" + begin + "0002 'd']"), hex("50 02 0002"));
            EXPECT_EQ(rig.say(old, "3D" + begin + "0002 'd']"), hex("50 02 0002"));
            EXPECT_EQ(BrokerRig::heard(reader), hex("30" + begin + "'d']"));
        }
}

}  // namespace
}  // namespace starling
