// A client's connection and its home.
#include <gtest/gtest.h>

#include "broker/cores_testing.h"

namespace starling {
namespace {

using Wire = BrokerRig::Wire;

TEST(Home, TakesAConnectionOnceWithTheBytesBehindConnect) {
    for (const BrokerRig::Shape shape : shapes())
        for (CoreId accepting = 0; accepting < shape.cores; ++accepting)
            for (const std::size_t piece : {1u, 3u, 7u, 1'000u}) {
                SCOPED_TRACE(to_string(shape) + ", accepted by " + std::to_string(accepting) +
                             ", in pieces of " + std::to_string(piece));
                CoresRig rig(shape);
                const Wire wire = rig.dial(accepting);
                wire->piece = piece;
                const std::string id = rig.name_at(0, "x");
                EXPECT_EQ(
                    rig.say(wire, "10 [('MQTT') 04 02 0000 ('" + id +
                                      "')] 82 [0001 ('t') 00] 32 [('t') 0002 'p'] C0 00"),
                    BrokerRig::hex("20 02 0000 90 03 0001 00 30 [('t') 'p'] 40 02 0002 D000"));
                EXPECT_EQ(wire->homes, accepting == 0 ? 1 : 2);
                EXPECT_EQ(rig.commons().counters[0][Count::ConnectsAccepted], 1u);
            }
}

TEST(Home, TakesAConnectionThatDribbles) {
    for (const BrokerRig::Shape shape : shapes()) {
        SCOPED_TRACE(to_string(shape));
        CoresRig rig(shape);
        const Wire wire = rig.dial(1);
        const ByteVector bytes = starling::wire("10 [('MQTT') 04 02 0000 ('" + rig.name_at(0, "x") +
                                                "')] 82 [0001 ('t') 00] 32 [('t') 0002 'p']");
        for (const std::byte one : bytes) {
            wire->to_broker.push_back(one);
            wire->news.readable = true;
            rig.turn_some(1 + rig.cores());
        }
        rig.turn();
        EXPECT_EQ(BrokerRig::heard(wire),
                  BrokerRig::hex("20 02 0000 90 03 0001 00 30 [('t') 'p'] 40 02 0002"));
        EXPECT_EQ(wire->homes, 2);
    }
}

// What the client sends while its connection moves is read at home.
TEST(Home, LosesNothingThatComesWhileTheConnectionMoves) {
    CoresRig rig({.cores = 2});
    const Wire wire = rig.dial(1);
    rig.send(wire, "10 [('MQTT') 04 02 0000 ('" + rig.name_at(0, "x") + "')] C0");
    rig.turn_core(1);
    rig.send(wire, "00 C0 00");
    EXPECT_EQ(rig.say(wire, "C0 00"), "20020000D000D000D000");
}

// As one of QUIC whose client speaks before its handshake is complete.
TEST(Home, IsReachedWhenTheStreamIsReadyToGo) {
    for (const bool gives_up : {false, true}) {
        CoresRig rig({.cores = 2});
        const auto near = rig.dial(0), far = rig.dial(0);
        near->may_move = far->may_move = false;
        const auto connect = [&](CoreId home) {
            return "10 [('MQTT') 04 02 0000 ('" + rig.name_at(home, "c") + "')] C000";
        };
        EXPECT_EQ(rig.say(near, connect(0)), "20020000D000") << "it is there";
        EXPECT_EQ(rig.say(far, connect(1)), "");
        EXPECT_EQ(rig.say(far, "C000"), "") << "what comes behind it waits too";
        EXPECT_EQ(far->homes, 1);
        if (gives_up) {
            far->may_move = true;
            rig.hang_up(far);
            EXPECT_FALSE(far->is_open);
            continue;
        }
        far->may_move = far->news.readable = true;
        rig.turn();
        EXPECT_EQ(BrokerRig::heard(far), "20020000D000D000");
        EXPECT_EQ(far->homes, 2);
    }
}

TEST(Home, OfAClientWithoutAnIdIsWhereItArrived) {
    for (const BrokerRig::Shape shape : shapes())
        for (CoreId accepting = 0; accepting < shape.cores; ++accepting) {
            SCOPED_TRACE(to_string(shape) + ", accepted by " + std::to_string(accepting));
            CoresRig rig(shape);
            const Wire wire = rig.dial(accepting);
            rig.send(wire, "10 [('MQTT') 05 02 0000 [] ('')]");
            rig.turn();
            const ByteVector bytes = wire->from_broker;
            const auto frame = next_frame(bytes, kPacketBytesMax);
            ASSERT_TRUE(frame && frame->type == PacketType::Connack);
            const auto connack = decode_connack(*frame, Version::V5);
            ASSERT_TRUE(connack && connack->reason == Reason::Success);
            const std::string id(connack->properties.assigned_client_identifier);
            EXPECT_EQ(rig.commons().home_of(id), accepting) << id;
            EXPECT_EQ(wire->homes, 1);
        }
}

TEST(Home, FindsTheOldConnectionOfATakeover) {
    for (const BrokerRig::Shape shape : shapes())
        for (CoreId first_core = 0; first_core < shape.cores; ++first_core)
            for (CoreId second_core = 0; second_core < shape.cores; ++second_core) {
                SCOPED_TRACE(to_string(shape) + ", first at " + std::to_string(first_core) +
                             ", then at " + std::to_string(second_core));
                CoresRig rig(shape);
                const std::string connect =
                    "10 [('MQTT') 04 00 0000 ('" + rig.name_at(0, "x") + "')]";
                const Wire first = rig.dial(first_core);
                EXPECT_EQ(rig.say(first, connect), "20020000");
                const Wire second = rig.dial(second_core);
                EXPECT_EQ(rig.say(second, connect), "20020100") << "Session Present";
                EXPECT_TRUE(first->is_finished);
                EXPECT_EQ(rig.say(second, "C0 00"), "D000");
            }
}

// --- limits.connections --------------------------------------------------------------------------

class ConnectionsLimit : public testing::TestWithParam<BrokerRig::Shape> {
protected:
    static constexpr std::uint32_t kLimit = 5;

    static BrokerOptions options() {
        BrokerOptions limited = BrokerRig::quiet();
        limited.connections_max = kLimit;
        return limited;
    }
    // CONNECT of the client `number`, whose home is any.
    static std::string connect(unsigned number) {
        return "10 [('MQTT') 04 02 0000 ('client" + std::to_string(number) + "')]";
    }
    // Fills every place.
    std::vector<Wire> fill() {
        std::vector<Wire> wires;
        for (unsigned i = 0; i < kLimit; ++i) {
            wires.push_back(rig.dial());
            EXPECT_EQ(rig.say(wires.back(), connect(i)), "20020000");
        }
        return wires;
    }
    bool is_full() {
        const Wire late = rig.dial();
        const std::string answer = rig.say(late, connect(999));
        EXPECT_TRUE(answer == "20020000" || answer == "20020003") << answer;
        if (answer == "20020000") rig.say(late, "E0 00");
        return answer == "20020003" && late->is_finished;
    }

    CoresRig rig{GetParam(), options()};
};

TEST_P(ConnectionsLimit, HoldsOverAllCores) {
    fill();
    EXPECT_TRUE(is_full());
    EXPECT_EQ(rig.commons().connections.used(), kLimit);
}

TEST_P(ConnectionsLimit, LetsATakeoverIn) {
    const std::vector<Wire> wires = fill();
    for (unsigned i = 0; i < kLimit; ++i) {
        const Wire again = rig.dial();
        EXPECT_EQ(rig.say(again, connect(i)), "20020000");
        EXPECT_TRUE(wires[i]->is_finished);
        EXPECT_EQ(rig.commons().connections.used(), kLimit);
    }
    EXPECT_TRUE(is_full());
}

TEST_P(ConnectionsLimit, HasRoomAgainWhenOneLeaves) {
    const std::vector<Wire> wires = fill();
    rig.say(wires[0], "E0 00");
    EXPECT_FALSE(is_full());
    rig.say(rig.dial(), connect(100));
    EXPECT_TRUE(is_full());
    rig.hang_up(wires[1]);
    EXPECT_FALSE(is_full());
}

TEST_P(ConnectionsLimit, IsExactWhenManyComeAtOnce) {
    std::vector<Wire> wires;
    for (unsigned i = 0; i < 4 * kLimit; ++i) {
        wires.push_back(rig.dial());
        rig.send(wires.back(), connect(i));
    }
    rig.turn();
    std::uint32_t welcome = 0;
    for (const Wire& one : wires) {
        const std::string answer = BrokerRig::heard(one);
        EXPECT_TRUE(answer == "20020000" || answer == "20020003") << answer;
        if (answer == "20020000") ++welcome;
    }
    EXPECT_EQ(welcome, kLimit);
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConnectionsLimit, testing::ValuesIn(shapes()),
                         [](const auto& shape) {
                             return "Cores" + std::to_string(shape.param.cores) + "Seed" +
                                    std::to_string(shape.param.seed);
                         });

}  // namespace
}  // namespace starling
