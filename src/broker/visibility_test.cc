// What SUBACK promises: whatever anybody publishes after it is delivered.
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"
#include "broker/cores_testing.h"

namespace starling {
namespace {

using Wire = BrokerRig::Wire;

const char* const kFilters[] = {"t", "t/#", "+", "#"};

std::string subscribe(const std::string& filter) { return "82 [0001 ('" + filter + "') 00]"; }
const std::string kSuback = "9003000100";

TEST(Suback, WaitsUntilEveryCoreHasConfirmed) {
    for (const BrokerRig::Shape shape : shapes())
        for (const std::string filter : kFilters) {
            SCOPED_TRACE(to_string(shape) + ", " + filter);
            CoresRig rig(shape);
            const Wire reader = rig.connect(0, "reader");
            rig.send(reader, subscribe(filter) + " C0 00");
            for (CoreId core = 1; core < rig.cores(); ++core) {
                for (int i = 0; i < 3; ++i) rig.turn_core(0);
                EXPECT_EQ(BrokerRig::heard(reader), "") << "before core " << core;
                rig.turn_core(core);
            }
            rig.turn_core(0);
            rig.turn_core(0);
            EXPECT_EQ(BrokerRig::heard(reader), kSuback + "D000");
        }
}

TEST(Suback, PromisesWhatAnyCorePublishesAfterIt) {
    for (const BrokerRig::Shape shape : shapes())
        for (const std::string filter : kFilters)
            for (CoreId core = 0; core < shape.cores; ++core) {
                SCOPED_TRACE(to_string(shape) + ", " + filter + ", from " + std::to_string(core));
                CoresRig rig(shape);
                const Wire reader = rig.connect(0, "reader");
                const Wire writer = rig.connect(core, "writer");
                rig.send(reader, subscribe(filter));
                EXPECT_EQ(rig.hear_next(reader), kSuback);
                rig.send(writer, "30 [('t') 'p']");
                rig.turn_core(core);
                rig.turn_core(0);
                EXPECT_EQ(BrokerRig::heard(reader), BrokerRig::hex("30 [('t') 'p']"));
            }
}

TEST(Suback, OfASecondSubscriberWaitsForTheFirstOnesAnnouncement) {
    for (const std::string filter : kFilters) {
        SCOPED_TRACE(filter);
        CoresRig rig({.cores = 3});
        const Wire first = rig.connect(0, "first");
        const Wire second = rig.connect(0, "second");
        rig.send(first, subscribe(filter));
        rig.turn_core(0);
        rig.turn_core(1);
        rig.turn_core(0);
        rig.send(second, subscribe(filter));
        for (int i = 0; i < 3; ++i) rig.turn_core(0);
        EXPECT_EQ(BrokerRig::heard(first) + BrokerRig::heard(second), "");
        rig.turn_core(2);
        rig.turn_core(0);
        EXPECT_EQ(BrokerRig::heard(first), kSuback);
        EXPECT_EQ(BrokerRig::heard(second), kSuback);
    }
}

// Its session has the subscription already, but not all cores have heard of it.
TEST(Suback, OfAClientThatIsBackWaitsToo) {
    CoresRig rig({.cores = 2});
    const std::string connect = "10 [('MQTT') 04 00 0000 ('" + rig.name_at(0, "reader") + "')]";
    const Wire first = rig.dial(0);
    rig.say(first, connect);
    rig.send(first, subscribe("t"));
    rig.turn_core(0);
    const Wire second = rig.dial(0);
    rig.send(second, connect + subscribe("t"));
    for (int i = 0; i < 3; ++i) rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(second), "20020100");
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(second), kSuback);
    EXPECT_EQ(BrokerRig::heard(first), "");
}

TEST(Suback, ComesAtOnceWhenTheFilterIsVisible) {
    CoresRig rig({.cores = 3});
    rig.subscribe(rig.connect(0, "first"), "t");
    const Wire second = rig.connect(0, "second");
    rig.send(second, subscribe("t"));
    rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(second), kSuback);
}

// A filter comes and goes in one round and comes again in the next: only that makes it visible.
TEST(Suback, IsNotDeceivedByARoundThatWithdrewTheFilter) {
    CoresRig rig({.cores = 2});
    const Wire gone = rig.connect(0, "gone");
    const Wire early = rig.connect(0, "early");
    const Wire late = rig.connect(0, "late");
    const Wire writer = rig.connect(1, "writer");
    rig.send(gone, subscribe("t"));
    const Wire heir = rig.dial(0);
    rig.send(heir, "10 [('MQTT') 04 02 0000 ('" + rig.name_at(0, "gone") + "')]");
    rig.turn_core(0);  // the session ends before the round begins
    rig.send(early, subscribe("t"));
    rig.turn_core(0);
    rig.turn_core(1);
    rig.turn_core(0);  // the first round is confirmed, the second begins
    rig.send(late, subscribe("t"));
    rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(early) + BrokerRig::heard(late), "");
    rig.turn();
    EXPECT_EQ(BrokerRig::heard(early), kSuback);
    EXPECT_EQ(BrokerRig::heard(late), kSuback);
    rig.say(writer, "30 [('t') 'p']");
    EXPECT_EQ(BrokerRig::heard(late), BrokerRig::hex("30 [('t') 'p']"));
}

// --- Share groups --------------------------------------------------------------------------------

TEST(SharedSuback, WaitsForTheGroupsHomeAndWhoeverThatTells) {
    CoresRig rig({.cores = 3});
    const std::string group = rig.name_at(1, "$share/g/t");
    const std::string topic = group.substr(9);
    const Wire member = rig.connect(0, "member");
    const Wire writer = rig.connect(2, "writer");
    rig.send(member, subscribe(group));
    rig.turn_core(0);  // to the group's home
    rig.turn_core(0);
    rig.turn_core(1);  // the home announces the filter
    rig.turn_core(0);  // which this core confirms
    rig.turn_core(1);
    rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(member), "") << "core 2 has not heard of it";
    rig.turn_core(2);
    rig.turn_core(1);
    rig.turn_core(0);
    EXPECT_EQ(BrokerRig::heard(member), kSuback);
    rig.send(writer, "30 [('" + topic + "') 'p']");
    for (const CoreId core : std::vector<CoreId>{2, 1, 0}) rig.turn_core(core);
    EXPECT_EQ(BrokerRig::heard(member), BrokerRig::hex("30 [('" + topic + "') 'p']"));
}

TEST(SharedSuback, OfASecondMemberWaitsForTheFirstOnesAnnouncement) {
    for (const CoreId second_core : std::vector<CoreId>{0, 2}) {
        CoresRig rig({.cores = 3});
        const std::string group = rig.name_at(1, "$share/g/t");
        const Wire first = rig.connect(0, "first");
        const Wire second = rig.connect(second_core, "second");
        rig.send(first, subscribe(group));
        rig.turn_core(0);
        rig.turn_core(1);  // announces
        rig.send(second, subscribe(group));
        // One of the other cores takes no turn: it confirms nothing.
        for (int i = 0; i < 3; ++i) {
            rig.turn_core(second_core);
            rig.turn_core(1);
        }
        rig.turn_core(second_core);
        EXPECT_EQ(BrokerRig::heard(first) + BrokerRig::heard(second), "");
        rig.turn();
        EXPECT_EQ(BrokerRig::heard(first), kSuback);
        EXPECT_EQ(BrokerRig::heard(second), kSuback);
    }
}

TEST(SharedSuback, PromisesWhatAnyCorePublishesAfterIt) {
    for (const BrokerRig::Shape shape : shapes())
        for (CoreId home = 0; home < shape.cores; ++home)
            for (CoreId core = 0; core < shape.cores; ++core) {
                SCOPED_TRACE(to_string(shape) + ", group at " + std::to_string(home) + ", from " +
                             std::to_string(core));
                CoresRig rig(shape);
                const std::string group = rig.name_at(home, "$share/g/t");
                const Wire member = rig.connect(0, "member");
                const Wire writer = rig.connect(core, "writer");
                rig.send(member, subscribe(group));
                EXPECT_EQ(rig.hear_next(member), kSuback);
                const std::string publish = "30 [('" + group.substr(9) + "') 'p']";
                rig.say(writer, publish);
                EXPECT_EQ(BrokerRig::heard(member), BrokerRig::hex(publish));
            }
}

// --- Collisions ----------------------------------------------------------------------------------

// Hundreds of filters share 256 fingerprints and come and go; whoever wants a topic gets it, and
// nobody else.
TEST(Fingerprints, ThatCollideLoseNothingAndDeliverNothingWrongly) {
    for (BrokerRig::Shape shape : shapes()) {
        SCOPED_TRACE(to_string(shape));
        BrokerOptions options = BrokerRig::quiet();
        options.fingerprint_bits = 8;
        CoresRig rig(shape, options);
        Random random(shape.seed);
        std::vector<TestClient> clients;
        for (CoreId core = 0; core < rig.cores(); ++core)
            for (const char* name : {"one", "two"}) clients.push_back({rig.connect(core, name)});
        std::vector<std::set<std::string>> wanted(clients.size());
        const auto random_topic = [&] { return "f/" + std::to_string(random.below(400)); };

        for (int step = 0; step < 2'000; ++step) {
            for (int change = 0; change < 3; ++change) {
                const std::size_t at = random.below(static_cast<std::uint32_t>(clients.size()));
                const std::string filter = random_topic();
                const bool was_wanted = wanted[at].erase(filter) != 0;
                if (!was_wanted) wanted[at].insert(filter);
                rig.send(clients[at].wire, was_wanted ? "A2 [0001 ('" + filter + "')]"
                                                      : "82 [0001 ('" + filter + "') 00]");
                rig.turn_some(random.below(3));
            }
            rig.turn();
            const std::string topic = random_topic();
            rig.send(clients[random.below(static_cast<std::uint32_t>(clients.size()))].wire,
                     "30 [('" + topic + "') '" + std::to_string(step) + "']");
            rig.turn();
            for (std::size_t at = 0; at < clients.size(); ++at) {
                clients[at].received.clear();
                clients[at].read(rig);
                ASSERT_EQ(clients[at].received.size(), wanted[at].contains(topic) ? 1u : 0u)
                    << "step " << step << ", client " << at << ", " << topic;
            }
        }
    }
}

}  // namespace
}  // namespace starling
