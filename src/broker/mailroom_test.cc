// What waits when other cores have too much to do.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "broker/cores_testing.h"

namespace starling {
namespace {

using Wire = BrokerRig::Wire;

BrokerOptions with_credit(std::uint32_t credit) {
    BrokerOptions options = BrokerRig::quiet();
    options.mail_credit = credit;
    return options;
}

// The payloads of each topic in the order they came.
std::map<std::string, std::vector<std::string>> by_topic(const TestClient& reader) {
    std::map<std::string, std::vector<std::string>> all;
    for (const std::string& one : reader.received) {
        const std::size_t at = one.find(' ');
        all[one.substr(0, at)].push_back(one.substr(at + 1));
    }
    return all;
}

// Publishers of every QoS on every core, more than there is credit for: each subscriber gets each
// message once and in order, each share group too, whatever is retained is the last.
TEST(Credit, OfOneOrTwoIsEnoughForEverybody) {
    constexpr unsigned kMessages = 10;
    for (const std::uint32_t credit : {1u, 2u})
        for (const BrokerRig::Shape shape : shapes()) {
            SCOPED_TRACE(to_string(shape) + ", credit " + std::to_string(credit));
            CoresRig rig(shape, with_credit(credit));
            std::vector<TestClient> writers;
            std::vector<TestClient> readers;
            std::vector<TestClient> members;
            for (CoreId core = 0; core < rig.cores(); ++core) {
                readers.push_back({rig.connect(core, "reader")});
                rig.subscribe(readers.back().wire, "all/#", "02");
                members.push_back({rig.connect(core, "member")});
                rig.subscribe(members.back().wire, "$share/g/all/#", "02");
                for (const char* name : {"one", "two"})
                    writers.push_back({rig.connect(core, name)});
            }
            // One topic for each writer and QoS: between two of them there is no order.
            std::map<std::string, std::vector<std::string>> expected;
            std::multiset<std::string> expected_retained;
            for (std::size_t at = 0; at < writers.size(); ++at)
                for (unsigned qos = 0; qos < 3; ++qos) {
                    const std::string topic =
                        "all/" + std::to_string(at) + '/' + std::to_string(qos);
                    for (unsigned i = 1; i <= kMessages; ++i) {
                        expected[topic].push_back(std::to_string(i));
                        rig.send(writers[at].wire, publish3(qos, i % 2 == 0, i + qos * kMessages,
                                                            topic, std::to_string(i)));
                    }
                    expected_retained.insert(topic + ' ' + std::to_string(kMessages));
                }
            std::vector<TestClient> all = writers;
            all.insert(all.end(), readers.begin(), readers.end());
            all.insert(all.end(), members.begin(), members.end());
            settle(rig, all);

            std::multiset<std::string> by_members;
            for (std::size_t at = 0; at < all.size(); ++at) {
                if (at < writers.size()) {
                    EXPECT_EQ(all[at].acks.size(), kMessages * 2) << "writer " << at;
                } else if (at < writers.size() + readers.size()) {
                    EXPECT_EQ(by_topic(all[at]), expected);
                } else {
                    by_members.insert(all[at].received.begin(), all[at].received.end());
                }
            }
            EXPECT_EQ(by_members.size(), expected.size() * kMessages);
            EXPECT_EQ(std::set(by_members.begin(), by_members.end()).size(), by_members.size());
            std::uint64_t pauses = 0;
            for (const Counters& one : rig.commons().counters) pauses += one[Count::CreditPauses];
            EXPECT_GT(pauses, 0u) << "credit was short";

            std::vector<TestClient> late{{rig.connect(0, "late")}};
            rig.send(late[0].wire, "82 [0001 ('all/#') 02]");
            settle(rig, late);
            EXPECT_EQ(std::multiset(late[0].received.begin(), late[0].received.end()),
                      expected_retained);
        }
}

TEST(Credit, IsAwaitedByWillsToo) {
    for (const BrokerRig::Shape shape : shapes()) {
        SCOPED_TRACE(to_string(shape));
        CoresRig rig(shape, with_credit(1));
        std::vector<TestClient> readers;
        std::vector<Wire> dying;
        for (CoreId core = 0; core < rig.cores(); ++core) {
            readers.push_back({rig.connect(core, "reader")});
            rig.subscribe(readers.back().wire, "will/#");
        }
        std::multiset<std::string> expected;
        for (int i = 0; i < 20; ++i) {
            const std::string number = std::to_string(i);
            dying.push_back(rig.dial());
            rig.say(dying.back(), "10 [('MQTT') 04 06 0000 ('client" + number + "') ('will/" +
                                      number + "') ('p')]");
            expected.insert("will/" + number + " p");
        }
        for (const Wire& one : dying) one->is_ended = one->news.ended = one->news.readable = true;
        rig.turn();
        for (TestClient& one : readers) {
            one.read(rig);
            EXPECT_EQ(std::multiset(one.received.begin(), one.received.end()), expected);
        }
    }
}

// Turn by turn, publishers of one core get on side by side.
TEST(Credit, StarvesNobody) {
    constexpr unsigned kWriters = 8;
    constexpr unsigned kMessages = 40;
    for (const BrokerRig::Shape shape : shapes()) {
        SCOPED_TRACE(to_string(shape));
        CoresRig rig(shape, with_credit(1));
        TestClient reader{rig.connect(1, "reader")};
        rig.subscribe(reader.wire, "#");
        std::vector<Wire> writers;
        for (unsigned at = 0; at < kWriters; ++at)
            writers.push_back(rig.connect(0, "writer" + std::to_string(at) + "-"));
        for (unsigned i = 0; i < kMessages; ++i)
            for (unsigned at = 0; at < kWriters; ++at)
                rig.send(writers[at], publish3(1, false, i + 1, std::to_string(at), "p"));
        std::map<std::string, std::size_t> got;
        for (int turns = 0; reader.received.size() < kWriters * kMessages; ++turns) {
            ASSERT_LT(turns, 100'000);
            rig.turn_some(1);
            reader.read(rig);
            got.clear();
            for (const auto& [topic, payloads] : by_topic(reader)) got[topic] = payloads.size();
            std::size_t least = kMessages;
            std::size_t most = 0;
            for (unsigned at = 0; at < kWriters; ++at) {
                least = std::min(least, got[std::to_string(at)]);
                most = std::max(most, got[std::to_string(at)]);
            }
            ASSERT_LE(most - least, 2u);
        }
    }
}

// What this core cannot pass on it does not read, and does not blame its clients for that.
TEST(Credit, KeepAliveDoesNotRunWhileAConnectionIsPaused) {
    CoresRig rig({.cores = 2}, with_credit(1));
    const Wire reader = rig.connect(1, "reader");
    rig.subscribe(reader, "t");
    const Wire writer = rig.connect(0, "writer", "000A");
    rig.send(writer, "30 [('t') '1'] 30 [('t') '2'] 30 [('t') '3']");
    for (int i = 0; i < 10; ++i) {  // core 1 takes no turn
        rig.turn_core(0);
        rig.skip(10'000);
    }
    rig.turn_core(0);
    EXPECT_TRUE(writer->is_open && !writer->is_finished);
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader),
              BrokerRig::hex("30 [('t') '1'] 30 [('t') '2'] 30 [('t') '3']"));
    rig.pass(14'900);
    EXPECT_FALSE(writer->is_finished) << "it counts from the end of the pause";
    rig.pass(200);
    EXPECT_TRUE(writer->is_finished);
}

TEST(Credit, KeepAliveDoesNotRunWhileASubscribeIsNotVisible) {
    CoresRig rig({.cores = 2});
    const Wire reader = rig.connect(0, "reader", "000A");
    rig.send(reader, "82 [0001 ('t') 00]");
    for (int i = 0; i < 59; ++i) {
        rig.turn_core(0);
        rig.skip(1'000);
    }
    rig.turn_core(0);
    EXPECT_TRUE(reader->is_open && !reader->is_finished);
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader), "9003000100");
    rig.pass(14'900);
    EXPECT_FALSE(reader->is_finished) << "it counts from the end of the pause";
    rig.pass(200);
    EXPECT_TRUE(reader->is_finished);
}

}  // namespace
}  // namespace starling
