// Share groups whose members and home are on several cores (MQTT 5.0, section 4.8.2).
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "broker/cores_testing.h"

namespace starling {
namespace {

using Strategy = BrokerOptions::ShareStrategy;
using Wire = BrokerRig::Wire;

std::string hex(std::string_view notation) { return BrokerRig::hex(notation); }

BrokerOptions with(Strategy strategy) {
    BrokerOptions options = BrokerRig::quiet();
    options.share_strategy = strategy;
    return options;
}

std::uint64_t dropped(CoresRig& rig) {
    std::uint64_t all = 0;
    for (const Counters& one : rig.commons().counters) all += one[Count::DroppedNoMember];
    return all;
}

// Publishers and members everywhere, messages of every QoS at once.
TEST(ShareGroups, EachMessageGoesToExactlyOneMember) {
    for (const Strategy strategy : {Strategy::RoundRobin, Strategy::Random, Strategy::Sticky,
                                    Strategy::HashClientId, Strategy::HashTopic})
        for (const BrokerRig::Shape shape : shapes())
            for (CoreId home = 0; home < shape.cores; ++home) {
                SCOPED_TRACE(to_string(shape) + ", home " + std::to_string(home) + ", strategy " +
                             std::to_string(static_cast<int>(strategy)));
                CoresRig rig(shape, with(strategy));
                std::string group;
                for (int i = 0; group.empty(); ++i) {
                    const std::string text = "$share/g" + std::to_string(i) + "/t/#";
                    if (rig.commons().home_of(text) == home) group = text;
                }
                std::vector<TestClient> clients;
                for (CoreId core = 0; core < rig.cores(); ++core) {
                    clients.push_back({rig.connect(core, "member")});
                    rig.subscribe(clients.back().wire, group, "02");
                }
                std::multiset<std::string> expected;
                for (CoreId core = 0; core < rig.cores(); ++core) {
                    clients.push_back({rig.connect(core, "writer")});
                    for (unsigned i = 0; i < 30; ++i) {
                        const std::string topic = "t/" + std::to_string(core);
                        rig.send(clients.back().wire,
                                 publish3(i % 3, false, i + 1, topic, std::to_string(i)));
                        expected.insert(topic + ' ' + std::to_string(i));
                    }
                }
                settle(rig, clients);
                std::multiset<std::string> got;
                for (const TestClient& one : clients)
                    got.insert(one.received.begin(), one.received.end());
                EXPECT_EQ(got, expected);
            }
}

class Strategies : public testing::Test {
protected:
    // How many messages each of three members got: one a core, ten from each of four publishers,
    // half of them to each of two topics. By payload: "publisher topic".
    static std::vector<std::map<std::string, int>> run(Strategy strategy) {
        CoresRig rig({.cores = 3}, with(strategy));
        std::vector<TestClient> members;
        for (CoreId core = 0; core < 3; ++core) {
            members.push_back({rig.connect(core, "member")});
            rig.subscribe(members.back().wire, "$share/g/#");
        }
        for (const std::string name : {"a", "b", "c", "d"}) {
            const Wire writer = rig.dial();
            rig.say(writer, "10 [('MQTT') 04 02 0000 ('" + name + "')]");
            for (int i = 0; i < 10; ++i)
                rig.say(writer, "30 [('" + std::string(i % 2 ? "x" : "y") + "') '" + name + "']");
        }
        std::vector<std::map<std::string, int>> got;
        for (TestClient& one : members) {
            one.read(rig);
            got.emplace_back();
            for (const std::string& each : one.received) {
                ++got.back()[each];
                ++got.back()["all"];
                ++got.back()["topic " + each.substr(0, 1)];
                ++got.back()["publisher " + each.substr(2)];
            }
        }
        return got;
    }
    // To how many members what has `key` went.
    static int members_with(std::vector<std::map<std::string, int>>& got, const std::string& key) {
        return static_cast<int>(
            std::count_if(got.begin(), got.end(), [&](auto& one) { return one.contains(key); }));
    }
};

TEST_F(Strategies, RoundRobinGoesRound) {
    auto got = run(Strategy::RoundRobin);
    EXPECT_EQ(got[0]["all"] + got[1]["all"] + got[2]["all"], 40);
    for (auto& one : got) EXPECT_NEAR(one["all"], 40 / 3.0, 1);
}

TEST_F(Strategies, RandomReachesAll) {
    auto got = run(Strategy::Random);
    EXPECT_EQ(members_with(got, "all"), 3);
    EXPECT_TRUE(got[0]["all"] < 13 || got[0]["all"] > 14 || got[1]["all"] < 13 ||
                got[1]["all"] > 14 || got[2]["all"] < 13)
        << "by chance, not in turn";
}

TEST_F(Strategies, StickyStaysWithOne) {
    auto got = run(Strategy::Sticky);
    EXPECT_EQ(members_with(got, "all"), 1);
}

TEST_F(Strategies, StickyMovesOnOnlyWhenOneCannotTakeIt) {
    CoresRig rig({.cores = 3}, with(Strategy::Sticky));
    const Wire first = rig.connect5(0, "member", "21 0001");
    const Wire second = rig.connect5(1, "member");
    const Wire writer = rig.connect(2, "writer");
    for (const Wire& one : {first, second}) rig.subscribe5(one, "$share/g/t", "01");
    rig.say(writer, "32 [('t') 0001 '1']");
    EXPECT_EQ(BrokerRig::heard(first), hex("32 [('t') 0001 [] '1']"));
    rig.say(writer, "32 [('t') 0002 '2']");
    EXPECT_EQ(BrokerRig::heard(second), hex("32 [('t') 0001 [] '2']"));
    rig.say(first, "40 02 0001");
    rig.say(writer, "32 [('t') 0003 '3']");
    EXPECT_EQ(BrokerRig::heard(first), "") << "it stays where it went";
    EXPECT_EQ(BrokerRig::heard(second), hex("32 [('t') 0002 [] '3']"));
}

TEST_F(Strategies, HashesAlwaysFindTheSame) {
    auto by_topic = run(Strategy::HashTopic);
    EXPECT_EQ(members_with(by_topic, "topic x"), 1);
    EXPECT_EQ(members_with(by_topic, "topic y"), 1);
    auto by_client = run(Strategy::HashClientId);
    for (const char* name : {"a", "b", "c", "d"})
        EXPECT_EQ(members_with(by_client, std::string("publisher ") + name), 1) << name;
    EXPECT_GT(members_with(by_client, "all"), 1);
    EXPECT_GT(members_with(by_client, "topic x"), 1);
}

// --- Two members on two cores, and the group's home on a third -----------------------------------

class TwoMembers : public testing::Test {
protected:
    TwoMembers() {
        for (int i = 0; group.empty(); ++i) {
            const std::string text = "$share/g" + std::to_string(i) + "/t";
            if (rig.commons().home_of(text) == 2) group = text;
        }
    }
    // A version 5 member whose session outlives it, with these properties.
    Wire join(CoreId core, const std::string& properties = "") {
        const Wire wire = rig.connect5(core, "member", kStays + properties);
        rig.subscribe5(wire, group, "02");
        return wire;
    }
    void publish(const std::string& payload, const std::string& first_byte = "32") {
        rig.say(writer, first_byte + " [('t') 0001 '" + payload + "']");
        if (first_byte == "34") rig.say(writer, "62 02 0001");
        BrokerRig::heard(writer);
    }
    static std::string delivery(const std::string& payload, const std::string& packet_id,
                                const std::string& first_byte = "32") {
        return hex(first_byte + " [('t') " + packet_id + " [] '" + payload + "']");
    }

    static constexpr const char* kStays = "11 0000003C";
    static constexpr const char* kWindowOfOne = "21 0001";

    CoresRig rig{{.cores = 3}};
    std::string group;
    const Wire writer = rig.connect(2, "writer");
};

TEST_F(TwoMembers, AFullOneIsSkipped) {
    const Wire full = join(0, kWindowOfOne);
    const Wire other = join(1);
    publish("1");
    EXPECT_EQ(BrokerRig::heard(full), delivery("1", "0001"));
    for (int i = 1; i <= 4; ++i) {
        publish("x");
        EXPECT_EQ(BrokerRig::heard(other), delivery("x", "000" + std::to_string(i)));
    }
    rig.say(full, "40 02 0001");
    publish("y");
    publish("z");
    EXPECT_EQ(BrokerRig::heard(full).size() + BrokerRig::heard(other).size(),
              delivery("y", "0002").size() * 2);
}

TEST_F(TwoMembers, AnAbsentOneIsSkipped) {
    rig.hang_up(join(0));
    const Wire other = join(1);
    for (int i = 1; i <= 4; ++i) {
        publish("x");
        EXPECT_EQ(BrokerRig::heard(other), delivery("x", "000" + std::to_string(i)));
    }
}

TEST_F(TwoMembers, OneIsGivenToKeepWhatNobodyCanTakeNow) {
    rig.hang_up(join(0));
    rig.hang_up(join(1));
    publish("1");
    publish("2");
    publish("0", "30");
    EXPECT_EQ(dropped(rig), 1u) << "QoS 0 is not kept";
    std::vector<TestClient> back;
    for (CoreId core = 0; core < 2; ++core)
        back.push_back({rig.resume5(core, "member", kStays), Version::V5});
    settle(rig, back);
    std::multiset<std::string> got;
    for (const TestClient& one : back) got.insert(one.received.begin(), one.received.end());
    EXPECT_EQ(got, (std::multiset<std::string>{"t 1", "t 2"}));
}

TEST_F(TwoMembers, WhatADepartedOneWasNeverSentReturns) {
    struct Case {
        const char* what;
        const char* goodbye;  // of the first member
    };
    static constexpr Case cases[] = {
        {"it leaves, its session stays", "E0 00"},
        {"it leaves the group", "A2 [0002 [] ('GROUP')]"},
        {"it leaves with its session", "E0 07 00 05 11 00000000"},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.what);
        const Wire first = join(0, kWindowOfOne);
        publish("1");
        EXPECT_EQ(BrokerRig::heard(first), delivery("1", "0001"));
        publish("2");
        const Wire second = join(1);
        EXPECT_EQ(BrokerRig::heard(first) + BrokerRig::heard(second), "") << "2 waits";
        std::string goodbye = c.goodbye;
        if (const std::size_t at = goodbye.find("GROUP"); at != std::string::npos)
            goodbye.replace(at, 5, group);
        rig.say(first, goodbye);
        const bool has_ended = goodbye.size() > 20 && goodbye.starts_with("E0");
        // What was sent and not acknowledged comes when the session has ended [MQTT-4.8.2-4].
        EXPECT_EQ(BrokerRig::heard(second), has_ended
                                                ? delivery("1", "0001") + delivery("2", "0002")
                                                : delivery("2", "0001"));
        rig.hang_up(second);
        rig.pass(70'000);  // all sessions end
        rig.hang_up(first);
        rig.pass(70'000);
    }
}

TEST_F(TwoMembers, AQos2MessageOnceSentIsNobodyElses) {  // [MQTT-4.8.2-5]
    const Wire first = join(0, kWindowOfOne);
    publish("1", "34");
    EXPECT_EQ(BrokerRig::heard(first), delivery("1", "0001", "34"));
    const Wire second = join(1);
    rig.say(first, "E0 07 00 05 11 00000000");
    EXPECT_EQ(BrokerRig::heard(second), "");
}

TEST_F(TwoMembers, OneLeavesWhileAnOfferIsOnItsWay) {
    const Wire leaving = join(0);
    const Wire other = join(1);
    rig.send(writer, "32 [('t') 0001 'p']");
    rig.turn_core(2);  // the offer to the first is on its way
    rig.send(leaving, "A2 [0002 [] ('" + group + "')]");
    rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(writer), "") << "nobody has it";
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(leaving), hex("B0 04 0002 00 00"));
    EXPECT_EQ(BrokerRig::heard(other), delivery("p", "0001"));
    EXPECT_EQ(BrokerRig::heard(writer), hex("40 02 0001"));
    EXPECT_EQ(dropped(rig), 0u);
}

TEST_F(TwoMembers, TheLastLeavesWhileAnOfferIsOnItsWay) {
    const Wire leaving = join(0);
    rig.send(writer, "32 [('t') 0001 'p']");
    rig.turn_core(2);
    rig.send(leaving, "A2 [0002 [] ('" + group + "')]");
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(leaving), hex("B0 04 0002 00 00"));
    EXPECT_EQ(BrokerRig::heard(writer), hex("40 02 0001"));
    EXPECT_EQ(dropped(rig), 1u);
}

TEST_F(TwoMembers, APublisherHearsOfNobodyWhenNoneCouldTakeIt) {
    const Wire teller = rig.connect5(2, "teller");
    const Wire member = rig.connect5(0, "member");
    rig.subscribe5(member, group, "02");
    EXPECT_EQ(rig.say(teller, "32 [('t') 0001 [] 'p']"), hex("40 02 0001"));
    rig.set_room(member, 0);
    rig.hang_up(member);
    EXPECT_EQ(rig.say(teller, "32 [('t') 0002 [] 'p']"), hex("40 03 0002 10"));
}

}  // namespace
}  // namespace starling
