#include "load/roster.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

PublishPlan to(std::string topic) { return {.topic = std::move(topic)}; }

LoadScenario scenario(std::vector<PublishPlan> plans, std::uint32_t count) {
    LoadScenario made;
    made.groups.push_back(
        {.name = "p", .count = count, .publishes = std::move(plans), .subscribes = {}});
    return made;
}

TEST(Roster, NumbersFlowsGroupByGroup) {
    LoadScenario two = scenario({to("a/{}"), to("b")}, 3);
    two.groups.push_back({.name = "q", .count = 2, .publishes = {to("c")}, .subscribes = {}});
    const Roster roster(two);
    EXPECT_EQ(roster.clients(), 5u);
    EXPECT_EQ(roster.flows(), 8u);
    EXPECT_EQ(roster.flow({0, 2}, 0), 2u);
    EXPECT_EQ(roster.flow({0, 2}, 1), 5u);
    EXPECT_EQ(roster.flow({1, 1}, 0), 7u);
    EXPECT_EQ(roster.topic(2), "a/2");
    EXPECT_EQ(roster.topic(5), "b");
    EXPECT_EQ(roster.publisher(7), "bench-00-q-1");
    EXPECT_EQ(roster.siblings(4), (FlowRange{3, 6}));
}

TEST(Roster, FindsTheFlowsThatAFilterMatches) {
    using Ranges = std::vector<FlowRange>;
    const LoadScenario three = scenario({to("x/{}/data"), to("x/all"), to("y{}z")}, 10);
    struct Case {
        const char* filter;
        Ranges flows;
    };
    static const Case cases[] = {
        {"#", {{0, 10}, {10, 20}, {20, 30}}},
        {"x/#", {{0, 10}, {10, 20}}},
        {"x/+/data", {{0, 10}}},
        {"+/all", {{10, 20}}},
        {"x/7/data", {{7, 8}}},
        {"x/7/+", {{7, 8}}},
        {"x/7/#", {{7, 8}}},
        {"x/10/data", {}},
        {"x/7", {}},
        {"x/07/data", {}},
        {"x/7a/data", {}},
        {"y3z", {{23, 24}}},
        {"y+", {}},
        {"yz", {}},
        {"$SYS/#", {}},
    };
    for (const Case& c : cases)
        EXPECT_EQ(Roster(three).flows_matching(c.filter), c.flows) << c.filter;
}

TEST(Roster, PairsLiveInOneProcessAndSoDoThoseWhoShare) {
    LoadScenario pairs;
    pairs.groups = pair_groups({.clients = 5, .publish = {}});
    pairs.processes = 2;
    const Roster roster(pairs);
    for (std::uint32_t index = 0; index < 5; ++index)
        EXPECT_EQ(roster.process_of({0, index}), roster.process_of({1, index}));
    EXPECT_EQ(roster.clients_of(0).size() + roster.clients_of(1).size(), 10u);

    LoadScenario sharing;
    sharing.groups =
        crossed_groups({.publishers = 4, .subscribers = 4, .publish = {}, .share = "g"});
    sharing.processes = 4;
    for (std::uint32_t index = 0; index < 4; ++index)
        EXPECT_EQ(Roster(sharing).process_of({1, index}), 0u);
}

TEST(Scenario, EachModesSubscribersReceiveWhatItsPublishersSend) {
    struct Case {
        std::vector<ClientGroup> (*groups)(const ModeSettings&);
        bool by_wildcard;
        std::uint64_t pairs;  // of a publisher and a subscriber
    };
    static constexpr Case cases[] = {{pair_groups, false, 3},
                                     {pair_groups, true, 3},
                                     {crossed_groups, false, 8},
                                     {crossed_groups, true, 8}};
    for (const Case& c : cases) {
        LoadScenario made;
        made.groups = c.groups({.clients = 3,
                                .publishers = 2,
                                .subscribers = 4,
                                .publish = {},
                                .background_filters = 1'001,
                                .uses_wildcard = c.by_wildcard});
        const Roster roster(made);
        std::uint64_t pairs = 0;
        for (std::uint32_t index = 0; index < made.groups[1].count; ++index)
            for (const FlowRange flows :
                 roster.flows_matching(fill_in(made.groups[1].subscribes[0].filter, index)))
                pairs += flows.end - flows.first;
        EXPECT_EQ(pairs, c.pairs);
        EXPECT_EQ(made.groups[2].count, 3u) << "500 background filters each";
    }
}

}  // namespace
}  // namespace starling
