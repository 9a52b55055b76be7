// A message for more receivers than a turn serves.
#include <gtest/gtest.h>

#include "broker/cores_testing.h"

namespace starling {
namespace {

using Wire = BrokerRig::Wire;

std::string hex(std::string_view notation) { return BrokerRig::hex(notation); }

// Many readers of "t" on core 0, one of "u" there, and a publisher anywhere.
class FanOutOverTurns : public testing::TestWithParam<CoreId> {
protected:
    static constexpr std::size_t kReaders = limits::kFanOutPerTurn * 2 + 100;

    FanOutOverTurns() {
        rig.subscribe(other, "u");
        int number = 0;
        while (readers.size() < kReaders) {
            const std::string id = "reader" + std::to_string(number++);
            if (rig.commons().home_of(id) != 0) continue;
            readers.push_back(rig.dial(0));
            rig.send(readers.back(), "10 [('MQTT') 04 02 0000 ('" + id + "')] 82 [0001 ('t') 00]");
        }
        rig.turn();
        for (const Wire& one : readers) BrokerRig::heard(one);
    }

    // The publisher's core and the readers' take a turn each.
    void turn_both() {
        if (GetParam() != 0) rig.turn_core(GetParam());
        rig.turn_core(0);
    }
    std::size_t served() const {
        return static_cast<std::size_t>(
            std::count_if(readers.begin(), readers.end(),
                          [](const Wire& one) { return !one->from_broker.empty(); }));
    }

    CoresRig rig{{.cores = 2}};
    const Wire other = rig.connect(0, "other");
    const Wire writer = rig.connect(GetParam(), "writer");
    std::vector<Wire> readers;
};

TEST_P(FanOutOverTurns, GoesOnUntilAllAreServed) {
    rig.send(writer, "30 [('t') 'p']");
    for (std::size_t before = 0; before != kReaders; before = served()) {
        turn_both();
        ASSERT_GT(served(), before);
        EXPECT_LE(served(), before + limits::kFanOutPerTurn);
    }
    for (const Wire& one : readers) ASSERT_EQ(BrokerRig::heard(one), hex("30 [('t') 'p']"));
}

TEST_P(FanOutOverTurns, LaterMessagesStayBehindIt) {
    rig.send(writer, "30 [('t') '1'] 30 [('u') '2'] 30 [('t') '3'] 30 [('u') '4']");
    turn_both();
    EXPECT_EQ(BrokerRig::heard(other), "") << "what came later waits";
    for (int turns = 0; served() != kReaders && turns < 10; ++turns) {
        EXPECT_EQ(BrokerRig::heard(other), "");
        turn_both();
    }
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(other), hex("30 [('u') '2'] 30 [('u') '4']"));
    for (const Wire& one : readers)
        ASSERT_EQ(BrokerRig::heard(one), hex("30 [('t') '1'] 30 [('t') '3']"));
}

TEST_P(FanOutOverTurns, PingsAreAnsweredMeanwhile) {
    rig.send(writer, "30 [('t') 'p']");
    turn_both();
    ASSERT_LT(served(), kReaders);
    rig.send(other, "C0 00");
    rig.send(writer, "C0 00");
    turn_both();
    ASSERT_LT(served(), kReaders);
    EXPECT_EQ(BrokerRig::heard(other), "D000");
    EXPECT_EQ(BrokerRig::heard(writer), "D000");
}

TEST_P(FanOutOverTurns, ItsPubackWaitsForItsEnd) {
    rig.send(writer, "32 [('t') 0001 'p']");
    for (int turns = 0; served() != kReaders && turns < 10; ++turns) {
        EXPECT_EQ(BrokerRig::heard(writer), "");
        turn_both();
    }
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(writer), hex("40 02 0001"));
}

// Some say good-bye and some unsubscribe; who comes anew in their places is none of them.
TEST_P(FanOutOverTurns, PassesOverReceiversThatLeftMeanwhile) {
    rig.send(writer, "30 [('t') 'p']");
    turn_both();
    const auto has_left = [](std::size_t at) { return at % 18 < 2; };  // all in one turn
    for (std::size_t at = 0; at < kReaders; ++at)
        if (has_left(at)) rig.send(readers[at], at % 18 == 0 ? "E0 00" : "A2 [0001 ('t')]");
    std::vector<Wire> late;
    for (int i = 0; i < 100; ++i) {
        late.push_back(rig.dial(0));
        rig.send(late.back(), "10 [('MQTT') 04 02 0000 ('" +
                                  rig.name_at(0, "late" + std::to_string(i) + '-') +
                                  "')] 82 [0001 ('t') 00]");
    }
    turn_both();
    const std::string message = hex("30 [('t') 'p']");
    std::vector<bool> has_it;
    for (const Wire& one : readers) has_it.push_back(BrokerRig::heard(one).starts_with(message));
    ASSERT_LT(std::count(has_it.begin(), has_it.end(), true), static_cast<long>(kReaders));
    rig.turn();
    for (std::size_t at = 0; at < kReaders; ++at)
        ASSERT_EQ(BrokerRig::heard(readers[at]), has_it[at] || has_left(at) ? "" : message) << at;
    for (const Wire& one : late) ASSERT_EQ(BrokerRig::heard(one), "200200009003000100");
}

// A session under two filters is served once, wherever a turn ends.
TEST_P(FanOutOverTurns, ASessionUnderSeveralFiltersGetsOneDelivery) {
    rig.subscribe(other, "t");  // an odd number of subscriptions match
    for (const Wire& one : readers) rig.send(one, "82 [0001 ('+') 00]");
    rig.turn();
    for (const Wire& one : readers) BrokerRig::heard(one);
    rig.send(writer, "30 [('t') 'p']");
    rig.turn();
    for (const Wire& one : readers) ASSERT_EQ(BrokerRig::heard(one), hex("30 [('t') 'p']"));
}

INSTANTIATE_TEST_SUITE_P(FromCore, FanOutOverTurns, testing::Values(CoreId{0}, CoreId{1}));

}  // namespace
}  // namespace starling
