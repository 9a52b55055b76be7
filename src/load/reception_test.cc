#include "load/reception.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

constexpr std::uint8_t kRun = 5;

// Flows 0 to 9, p/0 to p/9 at QoS 1.
LoadScenario ten_flows() {
    LoadScenario scenario;
    scenario.run = kRun;
    scenario.groups.push_back({.name = "p",
                               .count = 10,
                               .publishes = {{.topic = "p/{}", .qos = Qos::AtLeastOnce}},
                               .subscribes = {}});
    return scenario;
}

// Owner: the test.
struct Receiver {
    bool take(std::uint32_t flow, std::uint32_t sequence, std::uint8_t run = kRun) {
        SequenceLedger* ledger =
            reception.find(site, {.run = run, .flow = flow, .sequence = sequence});
        if (ledger) ledger->take(sequence);
        return ledger != nullptr;
    }

    const LoadScenario scenario = ten_flows();
    const Roster roster{scenario};
    LoadSite site{.scenario = scenario, .roster = roster};
    Reception reception;
};

TEST(Reception, KnowsTheFlowsOfItsFilters) {
    Receiver receiver;
    receiver.reception.expect(receiver.site, "p/3", Qos::AtMostOnce);
    receiver.reception.expect(receiver.site, "p/7", Qos::ExactlyOnce);
    EXPECT_TRUE(receiver.take(3, 0));
    EXPECT_TRUE(receiver.take(7, 0));
    EXPECT_FALSE(receiver.take(4, 0));
    EXPECT_FALSE(receiver.take(3, 1, kRun + 1)) << "of another run";
    EXPECT_EQ(receiver.reception.expected()[0].qos, Qos::AtMostOnce);
    EXPECT_EQ(receiver.reception.expected()[1].qos, Qos::AtLeastOnce) << "the lower of both";
}

TEST(Reception, ExpectsAFlowOnceHoweverManyFiltersMatch) {
    Receiver receiver;
    receiver.reception.expect(receiver.site, "p/+", Qos::AtLeastOnce);
    receiver.reception.expect(receiver.site, "p/3", Qos::AtLeastOnce);
    const std::vector<std::uint32_t> sent(10, 2);
    EXPECT_EQ(receiver.reception.total(sent), 20u);
}

TEST(Reception, JudgesWhatHasNotCome) {
    struct Case {
        Qos qos;
        std::uint64_t lost_promised;
    };
    for (const Case& c : {Case{Qos::AtMostOnce, 0}, {Qos::AtLeastOnce, 3}}) {
        Receiver receiver;
        receiver.reception.expect(receiver.site, "p/+", c.qos);
        std::vector<std::uint32_t> sent(10);
        sent[2] = 3;
        sent[9] = 1;
        receiver.take(2, 1);
        receiver.reception.judge(receiver.site, "somebody", sent);
        const Tally& tally = receiver.site.tally;
        EXPECT_EQ(tally[Figure::Lost], 3u);
        EXPECT_EQ(tally[Figure::LostPromised], c.lost_promised);
        ASSERT_EQ(tally.missing.size(), 3u);
        EXPECT_EQ(tally.missing[0].receiver, "somebody");
        EXPECT_EQ(tally.missing[0].topic, "p/2");
        EXPECT_EQ(tally.missing[1].first, 2u);
        EXPECT_EQ(tally.missing[2].publisher, "bench-05-p-9");
    }
}

TEST(Reception, ListsNoMoreThanItsBound) {
    Receiver receiver;
    receiver.reception.expect(receiver.site, "p/0", Qos::AtMostOnce);
    for (std::uint32_t at = 0; at < 200; ++at) receiver.take(0, at * 2 + 1);
    std::vector<std::uint32_t> sent(10);
    sent[0] = 400;
    receiver.reception.judge(receiver.site, "somebody", sent);
    EXPECT_EQ(receiver.site.tally[Figure::Lost], 200u);
    EXPECT_EQ(receiver.site.tally.missing.size(), Tally::kMissingMax);
}

TEST(Reception, OfAnybodyBeginsAnywhereAndMissesWhatLiesBetween) {
    Receiver receiver;
    receiver.reception.expect_any();
    EXPECT_TRUE(receiver.take(70'000, 500, 1));
    EXPECT_TRUE(receiver.take(70'000, 503, 1));
    EXPECT_TRUE(receiver.take(70'000, 10, 2));
    receiver.reception.judge(receiver.site, "somebody", {});
    EXPECT_EQ(receiver.site.tally[Figure::Lost], 2u);
    EXPECT_EQ(receiver.site.tally[Figure::LostPromised], 0u);
}

}  // namespace
}  // namespace starling
