#include "base/flat_index.h"

#include <iterator>
#include <map>

#include <gtest/gtest.h>

#include "base/random.h"

namespace starling {
namespace {

// Few hashes, so that runs are long and wrap around the table's end.
TEST(FlatIndex, BehavesLikeAMultimap) {
    FlatIndex index;
    std::map<std::uint32_t, std::uint32_t> model;  // from value to hash
    Random random(2);
    for (std::uint32_t step = 0; step < 20'000; ++step) {
        const bool growing = step / 2'000 % 2 == 0;
        if (model.empty() || random.below(10) < (growing ? 7u : 3u)) {
            const std::uint32_t hash = random.below(300) - 150;
            index.insert(hash, step);
            model[step] = hash;
        } else {
            const auto at = std::next(model.begin(), random.below(std::uint32_t(model.size())));
            index.erase(at->second, at->first);
            model.erase(at);
        }
        ASSERT_EQ(index.size(), model.size());
    }
    for (const auto& entry : model) {
        const auto is_it = [&](std::uint32_t found) { return found == entry.first; };
        EXPECT_EQ(index.find(entry.second, is_it), entry.first);
    }
}

TEST(FlatIndex, AsksAboutEqualHashesOnly) {
    FlatIndex index;
    const auto any = [](std::uint32_t) { return true; };
    EXPECT_EQ(index.find(1, any), FlatIndex::kNone);
    index.insert(1, 10);
    index.insert(9, 20);  // the same slot at first
    EXPECT_EQ(index.find(1, any), 10u);
    EXPECT_EQ(index.find(9, any), 20u);
    EXPECT_EQ(index.find(17, any), FlatIndex::kNone);
    EXPECT_EQ(index.find(1, [](std::uint32_t) { return false; }), FlatIndex::kNone);
}

TEST(FlatIndexDeathTest, EndsTheProcessWhenErasingWhatIsNotThere) {
    FlatIndex index;
    EXPECT_DEATH(index.erase(1, 10), "broken invariant");
    index.insert(1, 10);
    EXPECT_DEATH(index.erase(1, 11), "broken invariant");
}

}  // namespace
}  // namespace starling
