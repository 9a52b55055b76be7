// What holds although several cores take turns.
#include <string>

#include <gtest/gtest.h>

#include "broker/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

class CoresTest : public testing::Test {
protected:
    using Wire = BrokerRig::Wire;

    // A client identifier or topic, from `stem` on, whose home is that core.
    std::string at(CoreId core, std::string stem) {
        while (rig.commons().home_of(stem) != core) stem += 'x';
        return stem;
    }
    Wire connect(CoreId core, const std::string& stem, const std::string& properties = "[]") {
        const Wire wire = rig.dial(core);
        rig.say(wire, "10 [('MQTT') 05 02 0000 " + properties + " ('" + at(core, stem) + "')]");
        return wire;
    }
    void turn(std::initializer_list<CoreId> cores) {
        for (const CoreId core : cores) rig.turn_core(core);
    }
    static std::string hex(std::string_view notation) { return BrokerRig::hex(notation); }

    BrokerRig rig{BrokerRig::quiet(), {.cores = 3}};
};

// What another core has answered waits for the client's window, and expires here.
TEST_F(CoresTest, WhatExpiresBetweenAnAnswerAndItsSendingIsNotSent) {
    proves("MQTT-3.3.2-5");
    const Wire writer = connect(0, "w");
    rig.say(writer, "33 [('" + at(1, "t/a") + "') 0001 [] 'first']");
    rig.say(writer, "33 [('" + at(1, "t/b") + "') 0002 [02 00000002] 'second']");
    const Wire reader = connect(0, "r", "[21 0001]");
    const std::string heard = rig.say(reader, "82 [0001 [] ('t/+') 01]");
    EXPECT_NE(heard.find(hex("'first'")), std::string::npos);
    EXPECT_EQ(heard.find(hex("'second'")), std::string::npos);
    rig.pass(2'100);
    EXPECT_EQ(rig.say(reader, "40 02 0001"), "");
}

// It comes back to its group while the retained message is asked for.
TEST_F(CoresTest, AShareGroupsOldMessageSaysNothingOfWhatIsRetained) {
    const Wire writer = connect(0, "w");
    const std::string topic = at(1, "t");
    std::string group = "$share/g";
    while (rig.commons().home_of(group + "/" + topic) != 0) group += 'x';
    const Wire first = connect(0, "first", "[21 0001]");
    rig.say(first, "82 [0001 [] ('" + group + "/" + topic + "') 01]");
    for (const char* text : {"sent", "queued", "new"})
        rig.say(writer, "33 [('" + topic + "') 0001 [] '" + text + "']");
    const Wire second = connect(2, "second");
    rig.say(second, "82 [0001 [] ('" + group + "/" + topic + "') 00]");
    rig.say(second, "82 [0002 [] ('" + topic + "') 00]");

    rig.send(second, "82 [0003 [] ('" + topic + "') 00]");
    rig.turn_core(2);
    first->is_ended = first->news.readable = first->news.ended = true;
    rig.turn_core(0);
    rig.turn_core(2);
    rig.turn();
    const std::string heard = rig.heard(second);
    EXPECT_NE(heard.find(hex("30 [('" + topic + "') [] 'queued']")), std::string::npos);
    EXPECT_NE(heard.find(hex("31 [('" + topic + "') [] 'new']")), std::string::npos);
}

TEST_F(CoresTest, AnOlderLiveMessageDoesNotFollowANewerRetainedOne) {
    const Wire writer = connect(1, "w");
    const Wire reader = connect(2, "r");
    const std::string topic = at(0, "t");
    rig.say(reader, "82 [0001 [] ('" + topic + "') 00]");
    rig.send(reader, "82 [0002 [] ('" + topic + "') 00]");
    turn({2, 0});
    rig.send(writer, "31 [('" + topic + "') [] 'old'] 31 [('" + topic + "') [] 'new']");
    turn({1, 0, 2, 0, 2});
    EXPECT_EQ(rig.heard(reader), hex("90 [0002 [] 00] 30 [('" + topic + "') [] 'old'] 30 [('" +
                                     topic + "') [] 'new']"));
}

// It could have queued the message, and can only be sent it now.
TEST_F(CoresTest, AMembersNewQosLosesNothing) {
    proves("MQTT-3.8.4-4");
    const Wire writer = connect(0, "w");
    const Wire member = connect(1, "m", "[21 0001]");
    std::string group = "$share/g";
    while (rig.commons().home_of(group + "/t") != 0) group += 'x';
    rig.say(member, "82 [0001 [] ('" + group + "/t') 01]");
    rig.say(writer, "32 [('t') 0001 [] 'sent']");
    rig.heard(member);
    rig.send(writer, "32 [('t') 0002 [] 'offered']");
    turn({0, 1, 0});
    EXPECT_EQ(rig.say(member, "82 [0002 [] ('" + group + "/t') 00]"),
              hex("90 [0002 [] 00] 30 [('t') [] 'offered']"));
}

}  // namespace
}  // namespace starling
