#include "load/fleet.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Fleet, SaysWhoPublishesAndSubscribesWhat) {
    const auto groups = parse_fleet(R"(
        [[clients]]
        name = "meter"
        count = 100
        keepalive = 300
        publish = [
            { topic = "meter/{}/reading", qos = 1, size = 120, rate = 0.5, retain = true },
            { topic = "meter/{}/state", window = 2 },
        ]
        subscribe = [{ filter = "meter/{}/command/#", qos = 2 }]

        [[clients]]
        name = "archive"
        subscribe = [{ filter = "meter/+/reading", share = "archive" }]
    )",
                                    "fleet.toml");
    ASSERT_TRUE(groups) << groups.error();
    ASSERT_EQ(groups->size(), 2u);
    const ClientGroup& meters = (*groups)[0];
    EXPECT_EQ(meters.name, "meter");
    EXPECT_EQ(meters.count, 100u);
    EXPECT_EQ(meters.keep_alive_s, 300);
    ASSERT_EQ(meters.publishes.size(), 2u);
    EXPECT_EQ(meters.publishes[0].qos, Qos::AtLeastOnce);
    EXPECT_EQ(meters.publishes[0].bytes, 120u);
    EXPECT_EQ(meters.publishes[0].per_second, 50) << "of all together";
    EXPECT_TRUE(meters.publishes[0].is_retained);
    EXPECT_EQ(meters.publishes[1].window, 2u);
    EXPECT_EQ(meters.subscribes[0].qos, Qos::ExactlyOnce);
    EXPECT_EQ((*groups)[1].count, 1u);
    EXPECT_EQ((*groups)[1].subscribes[0].share, "archive");
}

TEST(Fleet, SaysWhereItIsWrong) {
    struct Case {
        const char* text;
        const char* said;
    };
    static constexpr Case cases[] = {
        {"", "f: there are no [[clients]]"},
        {"x = 1", "f:1: there is no key 'x'"},
        {"clients = 3", "f:1: clients is an array of tables"},
        {"[[clients]]\ncount = 1", "f:1: clients need a name"},
        {"[[clients]]\nname = 'a'\ncount = 0", "f:3: count is a number from 1 to 10000000"},
        {"[[clients]]\nname = 'a'\ncount = 1.5", "f:3: count is an integer"},
        {"[[clients]]\nname = 'a'\nrate = 3", "f:3: there is no key 'rate'"},
        {"[[clients]]\nname = 'a'\npublish = [{topic = 'a'}]",
         "f:3: publish needs a rate or a window, and not both"},
        {"[[clients]]\nname = 'a'\npublish = [{topic = 'a/#', rate = 1}]",
         "f:3: publish needs a topic without wildcards"},
        {"[[clients]]\nname = 'a'\npublish = [{topic = 'a', rate = 1, size = 15}]",
         "f:3: size is a number from 16 to 16777216"},
        {"[[clients]]\nname = 'a'\nsubscribe = [{filter = '#/a'}]",
         "f:3: subscribe needs a filter; a group to share with is its share"},
        {"[[clients]]\nname = 'a'\nsubscribe = [{filter = 'a', qos = 3}]",
         "f:3: qos is a number from 0 to 2"},
    };
    for (const Case& c : cases) {
        const auto groups = parse_fleet(c.text, "f");
        ASSERT_FALSE(groups) << c.text;
        EXPECT_EQ(groups.error(), c.said);
    }
    EXPECT_FALSE(parse_fleet("[[clients", "f"));
    EXPECT_FALSE(read_fleet("/nowhere/fleet.toml"));
}

}  // namespace
}  // namespace starling
