#include "broker/topic_tree.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "base/random.h"

namespace starling {
namespace {

// A few levels, so that filters share them.
std::string random_path(Random& random, std::initializer_list<const char*> levels) {
    std::string path;
    const std::uint32_t count = 1 + random.below(4);
    for (std::uint32_t i = 0; i < count; ++i) {
        if (i != 0) path += '/';
        path += levels.begin()[random.below(static_cast<std::uint32_t>(levels.size()))];
    }
    return path;
}

std::string random_filter(Random& random) {
    std::string filter = random_path(random, {"a", "b", "", "+", "$SYS"});
    if (random.below(3) == 0) filter += "/#";
    return random.below(20) == 0 ? "#" : filter;
}

std::vector<std::uint32_t> found(const TopicTree& tree, std::string_view topic) {
    std::vector<std::uint32_t> filters;
    tree.match(topic, [&](std::uint32_t filter) { filters.push_back(filter); });
    std::sort(filters.begin(), filters.end());
    return filters;
}

TEST(TopicTree, MatchesAsTheDefinitionDoes) {
    Random random(1);
    TopicTree tree({1, 2});
    std::map<std::string, std::uint32_t> model;
    std::map<std::string, std::uint32_t> ends;
    for (std::uint32_t step = 0; step < 5'000; ++step) {
        const std::string filter = random_filter(random);
        if (has_wildcard(filter)) {
            if (model.erase(filter)) {
                tree.erase(filter);
            } else {
                ends[filter] = tree.insert(filter, step);
                model[filter] = step;
            }
            ASSERT_EQ(tree.find(filter), model.contains(filter) ? step : TopicTree::kNone);
        }
        for (const auto& [text, number] : model) ASSERT_EQ(tree.text(ends[text], number), text);
        const std::string topic = random_path(random, {"a", "b", "", "c", "$SYS"});
        if (topic.empty()) continue;
        std::vector<std::uint32_t> expected;
        for (const auto& [text, number] : model)
            if (matches(text, topic)) expected.push_back(number);
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(found(tree, topic), expected) << "step " << step << ", topic " << topic;
    }
}

TEST(TopicTree, ForgetsWhatIsErased) {
    Random random(2);
    TopicTree tree({1, 2});
    std::vector<std::string> filters;
    for (int i = 0; i < 500; ++i) filters.push_back(random_filter(random));
    std::erase_if(filters, [](const std::string& filter) { return !has_wildcard(filter); });
    std::sort(filters.begin(), filters.end());
    filters.erase(std::unique(filters.begin(), filters.end()), filters.end());
    for (int round = 0; round < 2; ++round) {
        for (std::uint32_t i = 0; i < filters.size(); ++i) tree.insert(filters[i], i);
        EXPECT_FALSE(found(tree, "a/b").empty());
        for (const std::string& filter : filters) tree.erase(filter);
        for (const char* topic : {"a", "a/b", "/", "$SYS/a", "a/a/a/a"})
            EXPECT_TRUE(found(tree, topic).empty()) << topic;
    }
}

TEST(TopicTree, EndsOfFiltersStayApart) {
    TopicTree tree({1, 2});
    tree.insert("+/b", 1);
    tree.insert("+/b/#", 2);
    tree.insert("+/b/c", 3);
    EXPECT_EQ(found(tree, "a/b"), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_EQ(found(tree, "a/b/c"), (std::vector<std::uint32_t>{2, 3}));
    tree.erase("+/b");
    EXPECT_EQ(found(tree, "a/b"), (std::vector<std::uint32_t>{2}));
    tree.erase("+/b/#");
    EXPECT_EQ(found(tree, "a/b/c"), (std::vector<std::uint32_t>{3}));
}

}  // namespace
}  // namespace starling
