#include "mqtt/topic.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/normative.h"

namespace starling {
namespace {

TEST(TopicName, IsJudged) {
    struct Case {
        const char* id;
        const char* topic;
        bool legal;
    };
    static constexpr Case cases[] = {
        {"", "a", true},
        {"", "/", true},
        {"", "a//b", true},
        {"", "$SYS/x", true},
        {"", "$share/group/a", true},  // only filters give "$share" a meaning
        {"MQTT-4.7.3-1", "", false},
        {"MQTT-4.7.0-1", "a/#", false},
        {"MQTT-4.7.0-1", "+", false},
        {"MQTT-3.3.2-2", "a+b", false},
        {"MQTT-3.3.2-2", "#a", false},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(is_topic_name(c.topic), c.legal) << c.id << " '" << c.topic << "'";
    }
}

TEST(TopicFilter, IsJudged) {
    struct Case {
        const char* id;
        const char* filter;
        bool legal;
    };
    static constexpr Case cases[] = {
        {"", "a", true},
        {"", "/", true},
        {"", "a//b", true},
        {"", "#", true},
        {"", "+", true},
        {"", "+/+/#", true},
        {"", "/+/", true},
        {"", "$SYS/#", true},
        {"MQTT-4.7.3-1", "", false},
        {"MQTT-4.7.1-1", "#/", false},
        {"MQTT-4.7.1-1", "#/a", false},
        {"MQTT-4.7.1-1", "a/#/b", false},
        {"MQTT-4.7.1-1", "a/#/#", false},
        {"MQTT-4.7.1-1", "a#", false},
        {"MQTT-4.7.1-1", "a/b#", false},
        {"MQTT-4.7.1-1", "##", false},
        {"MQTT-4.7.1-2", "a+", false},
        {"MQTT-4.7.1-2", "+a/b", false},
        {"MQTT-4.7.1-2", "a/++/b", false},
        {"MQTT-4.7.1-2", "+#", false},
        {"", "$share/group/a/+", true},
        {"", "$share/group//", true},
        {"", "$share", true},  // an ordinary filter: no slash follows
        {"", "$shared/a", true},
        {"MQTT-4.8.2-1", "$share//a", false},
        {"MQTT-4.8.2-1", "$share/", false},
        {"MQTT-4.8.2-2", "$share/group", false},
        {"MQTT-4.8.2-2", "$share/group/", false},
        {"MQTT-4.8.2-2", "$share/+/a", false},
        {"MQTT-4.8.2-2", "$share/gr#up/a", false},
        {"MQTT-4.8.2-2", "$share/group/a#", false},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(is_topic_filter(c.filter), c.legal) << c.id << " '" << c.filter << "'";
    }
}

TEST(TopicFilter, MatchesTopicNames) {
    struct Case {
        const char* id;
        const char* filter;
        const char* topic;
        bool match;
    };
    static constexpr Case cases[] = {
        {"", "a/b", "a/b", true},
        {"", "a/b", "a/c", false},
        {"", "a/b", "a", false},
        {"", "a", "a/b", false},
        {"", "a", "ab", false},
        {"", "+", "a", true},
        {"", "+", "a/b", false},
        {"", "+", "/a", false},
        {"", "+/+", "/a", true},
        {"", "/+", "/a", true},
        {"", "a/+", "a", false},
        {"", "a/+", "a/", true},
        {"", "a/+/c", "a//c", true},
        {"", "a/+/c", "a/b/c", true},
        {"", "a/+/c", "a/b/d", false},
        {"", "#", "a", true},
        {"", "#", "/", true},
        {"", "#", "a/b/c", true},
        {"", "a/#", "a", true},
        {"", "a/#", "a/", true},
        {"", "a/#", "a/b/c", true},
        {"", "a/#", "ab", false},
        {"", "a/b/#", "a", false},
        {"", "+/#", "a", true},
        {"", "a/+/#", "a", false},
        {"", "a/+/#", "a/b", true},
        {"MQTT-4.7.2-1", "#", "$SYS/x", false},
        {"MQTT-4.7.2-1", "+/x", "$SYS/x", false},
        {"MQTT-4.7.2-1", "+", "$SYS", false},
        {"MQTT-4.7.2-1", "$SYS/#", "$SYS/x", true},
        {"MQTT-4.7.2-1", "$SYS/+", "$SYS/x", true},
        {"MQTT-4.7.2-1", "a/#", "a/$b", true},
        {"MQTT-4.7.3-4", "a", "A", false},
        {"MQTT-4.7.3-4", "/a", "a", false},
        {"MQTT-4.7.3-4", "a/", "a", false},
        {"MQTT-4.7.3-4", "\xC3\xA9", "e\xCC\x81", false},
        {"MQTT-1.5.4-3",
         "\xEF\xBB\xBF"
         "a",
         "a", false},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(matches(c.filter, c.topic), c.match)
            << c.id << " '" << c.filter << "' '" << c.topic << "'";
    }
}

TEST(TopicFilter, IsSplitIntoShareNameAndFilter) {
    const auto shared = split_share("$share/group/a/#");
    ASSERT_TRUE(shared);
    EXPECT_EQ(shared->name, "group");
    EXPECT_EQ(shared->filter, "a/#");

    const auto plain = split_share("a/#");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->name, "");
    EXPECT_EQ(plain->filter, "a/#");

    ASSERT_FALSE(split_share("$share//a"));
    EXPECT_EQ(split_share("$share//a").error().reason, Reason::TopicFilterInvalid);
}

TEST(Topic, HasLevels) {
    const auto levels = [](std::string_view topic) {
        std::string joined;
        for_each_level(topic, [&](std::string_view level) { joined.append(level).append("|"); });
        return joined;
    };
    EXPECT_EQ(levels("a//b"), "a||b|");
    EXPECT_EQ(levels("/"), "||");
    EXPECT_EQ(levels(""), "|");
    EXPECT_EQ(level_count("a//b"), 3u);
    EXPECT_EQ(level_count("/"), 2u);
    EXPECT_EQ(level_count("a"), 1u);
}

}  // namespace
}  // namespace starling
