#include "broker/recent_topics.h"

#include <string>

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(RecentTopics, KnowsTheLastOfWhoeverHasThePlace) {
    RecentTopics topics;
    const Handle one{7, 1}, same_place{7 + RecentTopics::kPlaces, 1}, next_life{7, 3};
    EXPECT_EQ(topics.find(one).text, "");
    topics.remember(one, {"a/b", 5});
    EXPECT_EQ(topics.find(one).text, "a/b");
    EXPECT_EQ(topics.find(one).hash, 5u);
    EXPECT_EQ(topics.find(next_life).text, "");
    topics.remember(one, {"c", 6});
    EXPECT_EQ(topics.find(one).text, "c");
    topics.remember(same_place, {"d", 7});
    EXPECT_EQ(topics.find(one).text, "");
    EXPECT_EQ(topics.find(same_place).text, "d");
}

TEST(RecentTopics, KeepsShortOnesOnly) {
    RecentTopics topics;
    const std::string longest(RecentTopics::kTextBytes, 't'), longer = longest + 't';
    topics.remember({1, 1}, {longest, 1});
    topics.remember({1, 1}, {longer, 2});
    EXPECT_EQ(topics.find({1, 1}).text, longest);
}

}  // namespace
}  // namespace starling
