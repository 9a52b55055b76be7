// The end, over all cores.
#include <set>

#include <gtest/gtest.h>

#include "broker/cores_testing.h"

namespace starling {
namespace {

using Wire = BrokerRig::Wire;

bool has_ended(CoresRig& rig) {
    bool has = true;
    for (CoreId core = 0; core < rig.cores(); ++core) has = has && rig.broker(core).is_stopped();
    return has;
}

// Every core has a client with a will, and one that wants all wills.
TEST(Stop, EverybodyGetsTheWillsBeforeItsDisconnect) {
    for (const std::uint32_t credit : {1u, limits::kMailCredit})
        for (const BrokerRig::Shape shape : shapes()) {
            SCOPED_TRACE(to_string(shape) + ", credit " + std::to_string(credit));
            BrokerOptions options = BrokerRig::quiet();
            options.mail_credit = credit;
            CoresRig rig(shape, options);
            std::vector<TestClient> readers;
            std::vector<Wire> dying;
            std::multiset<std::string> expected;
            for (CoreId core = 0; core < rig.cores(); ++core) {
                readers.push_back({rig.connect5(core, "reader"), Version::V5});
                rig.subscribe5(readers.back().wire, "will/#");
                for (const char* name : {"a", "b"}) {
                    const std::string id = rig.name_at(core, name);
                    dying.push_back(rig.dial());
                    rig.say(dying.back(),
                            "10 [('MQTT') 04 06 0000 ('" + id + "') ('will/" + id + "') ('p')]");
                    expected.insert("will/" + id + " p");
                }
            }
            rig.broker(static_cast<CoreId>(shape.seed % shape.cores)).stop();
            rig.turn();
            for (TestClient& one : readers) {
                EXPECT_TRUE(BrokerRig::hex(one.wire->from_broker).ends_with("E0018B"));
                EXPECT_TRUE(one.wire->is_finished);
                one.read(rig);
                EXPECT_EQ(std::multiset(one.received.begin(), one.received.end()), expected);
            }
            EXPECT_FALSE(has_ended(rig)) << "its clients have yet to leave";
            for (const TestClient& one : readers) rig.hang_up(one.wire);
            for (const Wire& one : dying) rig.hang_up(one);
            EXPECT_TRUE(has_ended(rig));
        }
}

TEST(Stop, NobodyIsSentAwayWhileMailIsUnderWay) {
    CoresRig rig({.cores = 3});
    const Wire reader = rig.connect5(0, "reader");
    rig.subscribe5(reader, "t");
    const Wire writer = rig.connect(1, "writer");
    rig.send(writer, "30 [('t') 'p']");
    rig.turn_core(1);  // on its way to core 0
    rig.broker(2).stop();
    for (int i = 0; i < 3; ++i) {
        rig.turn_core(2);
        rig.turn_core(1);
    }
    EXPECT_FALSE(rig.broker(1).is_stopped() || rig.broker(2).is_stopped());
    EXPECT_EQ(BrokerRig::heard(writer), "");
    EXPECT_FALSE(writer->is_finished);
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader), BrokerRig::hex("30 [('t') [] 'p'] E0 01 8B"));
}

TEST(Stop, ReadsAndAcceptsNoMore) {
    CoresRig rig({.cores = 2});
    const Wire reader = rig.connect5(0, "reader");
    rig.subscribe5(reader, "t");
    const Wire writer = rig.connect5(1, "writer");
    const Wire silent = rig.dial(1);
    const Wire late = rig.dial(1);
    rig.turn();
    rig.send(late, "10 [('MQTT') 04 02 0000 ('" + rig.name_at(0, "late") + "')]");
    rig.turn_core(1);  // it is moving
    rig.broker(0).stop();
    rig.send(writer, "30 [('t') [] 'p']");
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader), "E0018B");
    EXPECT_EQ(BrokerRig::heard(writer), "E0018B");
    EXPECT_FALSE(silent->is_open);
    EXPECT_FALSE(late->is_open);
}

TEST(Stop, EndsAtItsTimeoutWhenAClientIsStuck) {
    for (const BrokerRig::Shape shape : shapes()) {
        SCOPED_TRACE(to_string(shape));
        CoresRig rig(shape);
        for (CoreId core = 0; core < rig.cores(); ++core) rig.connect5(core, "quick");
        const Wire stuck = rig.connect5(1, "stuck");
        rig.subscribe5(stuck, "t");
        rig.set_room(stuck, 0);
        rig.say(rig.connect(0, "writer"), "30 [('t') 'p']");
        rig.broker(0).stop();
        rig.turn();
        EXPECT_FALSE(rig.broker(1).is_stopped());
        rig.pass(limits::kShutdownTimeoutS * TimeMs{1000});
        EXPECT_TRUE(has_ended(rig));
    }
}

TEST(Stop, EndsAtItsTimeoutWhenACoreIsStuck) {
    CoresRig rig({.cores = 2});
    const Wire reader = rig.connect5(0, "reader");
    rig.broker(0).stop();
    for (int i = 0; i < 5; ++i) rig.turn_core(0);  // core 1 takes none
    EXPECT_EQ(BrokerRig::heard(reader), "");
    rig.skip(limits::kShutdownTimeoutS * TimeMs{1000} - 1);
    rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(reader), "");
    rig.skip(1);
    rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(reader), "E0018B");
    EXPECT_TRUE(rig.broker(0).is_stopped());
}

}  // namespace
}  // namespace starling
