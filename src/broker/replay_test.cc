// Retained messages of other cores, while their topics change.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "broker/cores_testing.h"

namespace starling {
namespace {

using Wire = BrokerRig::Wire;

std::string hex(std::string_view notation) { return BrokerRig::hex(notation); }

// The reader's core is the first, then the writer's, and the topics' home is the last: mail that
// waits is taken in that order.
class ReplayOverCores : public testing::Test {
protected:
    static std::string retained(const std::string& name, const std::string& payload,
                                unsigned qos = 0) {
        return publish3(qos, true, 1, name, payload);
    }
    // A version 3 reader's SUBSCRIBE has been answered, and its question is on its way.
    void subscribe(const std::string& filter) {
        rig.send(reader, "82 [0001 ('" + filter + "') 00]");
        rig.turn_all();
        rig.turn_core(0);
        EXPECT_EQ(BrokerRig::heard(reader), "9003000100");
    }

    CoresRig rig{{.cores = 3}};
    const Wire reader = rig.connect(0, "reader");
    const Wire writer = rig.connect(1, "writer");
    const std::string topic = rig.name_at(2, "topic");
};

TEST_F(ReplayOverCores, FetchesFromEveryCore) {
    for (const BrokerRig::Shape shape : shapes())
        for (CoreId core = 0; core < shape.cores; ++core) {
            SCOPED_TRACE(to_string(shape) + ", to core " + std::to_string(core));
            CoresRig many(shape);
            const Wire source = many.connect(0, "source");
            std::multiset<std::string> expected;
            for (int i = 0; i < 300; ++i) {  // several answers of each
                many.send(source, retained("t/" + std::to_string(i), "x"));
                expected.insert("t/" + std::to_string(i) + " x");
            }
            many.turn();
            std::vector<TestClient> late{{many.connect(core, "late")}};
            many.send(late[0].wire, "82 [0001 ('t/+') 00 ('t/7') 00]");
            settle(many, late);
            expected.insert("t/7 x");
            EXPECT_EQ(std::multiset(late[0].received.begin(), late[0].received.end()), expected);
        }
}

TEST_F(ReplayOverCores, LeavesOutWhatIsOlderThanWhatCameLive) {
    for (const std::string& filter : {topic, std::string("#")}) {
        SCOPED_TRACE(filter);
        rig.say(writer, retained(topic, "old"));
        subscribe(filter);
        // "#" asks the cores before the home first.
        if (filter == "#") {
            rig.turn_core(1);
            rig.turn_core(1);
            rig.turn_core(0);
        }
        rig.turn_core(2);  // the question has come
        rig.turn_core(2);  // the answer is on its way
        rig.send(writer, retained(topic, "new"));
        rig.turn_core(1);
        rig.turn_core(0);  // the live message first
        EXPECT_EQ(BrokerRig::heard(reader), hex("30 [('" + topic + "') 'new']"));
        rig.turn();
        EXPECT_EQ(BrokerRig::heard(reader), "");
        rig.say(reader, "A2 [0001 ('" + filter + "')]");
    }
}

TEST_F(ReplayOverCores, LeavesOutWhatWasClearedMeanwhile) {
    rig.say(writer, retained(topic, "old"));
    subscribe(topic);
    rig.turn_core(2);
    rig.turn_core(2);
    rig.send(writer, retained(topic, ""));
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader), hex("30 [('" + topic + "')]"));
}

TEST_F(ReplayOverCores, AnswersAfterWhatAnyCoreHasPublishedBefore) {
    rig.send(reader, "82 [0001 ('" + topic + "') 00]");
    rig.turn_core(0);
    rig.turn_core(2);  // confirms
    rig.send(writer, retained(topic, "new"));
    rig.turn_core(1);  // publishes without knowing of the reader, then confirms
    rig.turn_core(0);  // SUBACK, and the question
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader), hex("90 03 0001 00 31 [('" + topic + "') 'new']"));
}

// More topics came live than the broker notes: it asks again.
TEST_F(ReplayOverCores, AsksAgainWhenTooMuchCameLive) {
    constexpr unsigned kTopics = limits::kLiveTopics + 20;
    static_assert(kTopics > limits::kLiveTopics + 1);
    std::vector<std::string> topics;
    for (unsigned i = 0; i < kTopics; ++i)
        topics.push_back(rig.name_at(2, "t/" + std::to_string(100 + i) + '-'));
    const std::string quiet = rig.name_at(2, "t/000-");
    for (const std::string& one : topics) rig.say(writer, retained(one, "old"));
    rig.say(writer, retained(quiet, "old"));

    rig.send(reader, "82 [0001 ('t/+') 00]");
    rig.turn_all();
    rig.turn_core(0);  // asks core 1, for its own has nothing
    rig.turn_core(1);
    rig.turn_core(1);
    rig.turn_core(0);  // asks core 2
    rig.turn_core(2);
    rig.turn_core(2);  // its answer is on its way
    // The answer begins with the topics that are too many to be noted.
    for (auto one = topics.rbegin(); one != topics.rend(); ++one)
        rig.send(writer, retained(*one, "new"));
    rig.turn_core(1);
    rig.turn();

    TestClient client{reader};
    client.read(rig);
    std::map<std::string, std::string> latest;
    for (const std::string& one : client.received) {
        const std::size_t at = one.find(' ');
        std::string& known = latest[one.substr(0, at)];
        EXPECT_FALSE(known == "new" && one.substr(at + 1) == "old") << one;
        known = one.substr(at + 1);
    }
    EXPECT_EQ(latest[quiet], "old") << "nothing was lost";
    for (const std::string& one : topics) EXPECT_EQ(latest[one], "new") << one;
}

// An answer has come and waits for the client's window, a message at a time.
TEST_F(ReplayOverCores, LeavesOutWhatItHasFetchedWhenANewerOneComesLive) {
    std::vector<std::string> topics;
    for (int i = 0; i < 5; ++i) topics.push_back(rig.name_at(2, "t/" + std::to_string(i) + '-'));
    for (const std::string& one : topics) rig.say(writer, retained(one, "old", 1));
    TestClient narrow{rig.connect5(0, "narrow", "21 0001"), Version::V5};
    rig.send(narrow.wire, "82 [0001 [] ('t/+') 01]");
    rig.turn();  // the first is on its way to it, the others wait
    rig.say(writer, retained(topics[3], "new", 1));
    std::vector<TestClient> clients{narrow};
    settle(rig, clients);
    EXPECT_EQ(clients[0].received,
              (std::vector<std::string>{topics[0] + " old", topics[3] + " new", topics[1] + " old",
                                        topics[2] + " old", topics[4] + " old"}));
}

// The answer finds its subscription gone, and the next replay at the head of the line.
TEST_F(ReplayOverCores, ForgetsTheAnswerToAnUnsubscribedFilter) {
    const std::string other = rig.name_at(2, "other");
    rig.say(writer, retained(topic, "x"));
    rig.say(writer, retained(other, "y"));
    rig.send(reader, "82 [0001 ('" + topic + "') 00 ('" + other + "') 00]");
    rig.turn_all();
    rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(reader), "900400010000");
    rig.turn_core(2);
    rig.turn_core(2);  // the answer is on its way
    rig.send(reader, "A2 [0002 ('" + topic + "')]");
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(reader), hex("B0 02 0002 31 [('" + other + "') 'y']"));
}

}  // namespace
}  // namespace starling
