#include "broker/retained.h"

#include <gtest/gtest.h>

#include "mqtt/topic.h"

namespace starling {
namespace {

Ref<const Message> message(std::string_view topic, std::string_view payload = "x",
                           TimeMs expires_at = kNever) {
    MessageParts parts;
    parts.topic = {topic};
    parts.payload = as_bytes(payload);
    parts.expires_at = expires_at;
    parts.retain = true;
    return Message::make(parts);
}

class RetainedTest : public testing::Test {
protected:
    void fill(std::initializer_list<const char*> topics) {
        for (const char* topic : topics) EXPECT_TRUE(store.set(message(topic)));
    }
    // One scan: the topics it visits, and where it goes on.
    std::string scan(std::string_view filter, std::size_t scan_max = 1'000, TimeMs now = 0) {
        std::string out;
        after = store.scan(filter, after, scan_max, now, [&](const Ref<const Message>& one) {
            out += std::string(one->topic()) + ' ';
            return true;
        });
        return out;
    }

    Quota messages{100};
    Quota bytes{1 << 20};
    RetainedMessages store{messages, bytes};
    std::string after;
};

TEST_F(RetainedTest, FindsWhatAFilterMatches) {
    fill({"a", "a!", "a/b", "a/b/c", "a0", "b", "/", "$SYS/x"});
    const std::pair<const char*, const char*> cases[] = {
        {"a", "a "},           {"a/#", "a a/b a/b/c "},         {"a/+", "a/b "},
        {"+", "a a! a0 b "},   {"#", "/ a a! a/b a/b/c a0 b "}, {"+/+", "/ a/b "},
        {"$SYS/#", "$SYS/x "}, {"a/b/#", "a/b a/b/c "},         {"none/#", ""},
    };
    for (const auto& [filter, expected] : cases) {
        EXPECT_EQ(scan(filter), expected) << filter;
        EXPECT_EQ(after, "") << filter;
    }
}

TEST_F(RetainedTest, GoesOnWhateverChangedMeanwhile) {
    fill({"a/1", "a/2", "a/4", "a/5"});
    EXPECT_EQ(scan("a/#", 2), "a/1 a/2 ");
    EXPECT_EQ(after, "a/2");
    store.set(message("a/2", ""));  // where it stands
    store.set(message("a/4", ""));
    fill({"a/0", "a/3"});
    EXPECT_EQ(scan("a/#", 1), "a/3 ");
    EXPECT_EQ(scan("a/#", 5), "a/5 ");
    EXPECT_EQ(after, "");
}

TEST_F(RetainedTest, StopsWhenTheVisitorHasEnough) {
    fill({"a", "b", "c"});
    std::size_t budget = 10;
    const auto last =
        store.scan("#", "", budget, 0, [](const Ref<const Message>&) { return false; });
    EXPECT_EQ(last, "a");
}

TEST_F(RetainedTest, CountsTopicsThatDoNotMatch) {
    fill({"a/x", "b/x", "c/y"});
    EXPECT_EQ(scan("+/y", 2), "");
    EXPECT_EQ(after, "b/x");
    EXPECT_EQ(scan("+/y", 2), "c/y ");
    EXPECT_EQ(after, "");
}

TEST_F(RetainedTest, ReplacesAndClears) {
    store.set(message("a", "old"));
    store.set(message("a", "longer than before"));
    EXPECT_EQ(store.size(), 1u);
    EXPECT_EQ(bytes.used(), message("a", "longer than before")->size());
    EXPECT_TRUE(store.set(message("a", "")));
    EXPECT_TRUE(store.set(message("none", "")));
    EXPECT_EQ(store.size(), 0u);
    EXPECT_EQ(messages.used(), 0u);
    EXPECT_EQ(bytes.used(), 0u);
}

TEST_F(RetainedTest, RefusesBeyondItsBounds) {
    Quota two_messages{2};
    RetainedMessages two{two_messages, bytes};
    EXPECT_TRUE(two.set(message("a")));
    EXPECT_TRUE(two.set(message("b")));
    EXPECT_FALSE(two.set(message("c")));
    EXPECT_TRUE(two.set(message("b", "another")));

    const std::size_t one = message("a", std::string(100, 'x'))->size();
    Quota few_bytes{one};
    RetainedMessages small{messages, few_bytes};
    EXPECT_TRUE(small.set(message("a", std::string(100, 'x'))));
    EXPECT_FALSE(small.set(message("b", "y")));
    EXPECT_FALSE(small.set(message("a", std::string(101, 'x'))));
    EXPECT_EQ(few_bytes.used(), one);  // nothing changed
    EXPECT_EQ(messages.used(), 1u);
    EXPECT_TRUE(small.set(message("a", std::string(100, 'y'))));
}

TEST_F(RetainedTest, SweepsExpiredOnesByAndBy) {
    for (const char* topic : {"a", "c", "e"}) store.set(message(topic, "x", 10));
    fill({"b", "d"});
    EXPECT_EQ(scan("#", 100, 9), "a b c d e ");
    EXPECT_EQ(scan("#", 100, 10), "b d ");
    EXPECT_EQ(store.size(), 5u);
    store.sweep(2, 10);
    EXPECT_EQ(store.size(), 4u);
    store.sweep(2, 10);
    EXPECT_EQ(store.size(), 3u);
    store.sweep(2, 10);
    EXPECT_EQ(store.size(), 2u);
    store.set(message("a", "x", 10));
    store.sweep(1, 10);  // it has gone round
    EXPECT_EQ(store.size(), 2u);
}

}  // namespace
}  // namespace starling
