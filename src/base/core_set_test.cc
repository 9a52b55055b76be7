#include "base/core_set.h"

#include <vector>

#include <gtest/gtest.h>

namespace starling {
namespace {

std::vector<CoreId> members(CoreSet set) {
    std::vector<CoreId> cores;
    set.for_each([&](CoreId core) { cores.push_back(core); });
    return cores;
}

TEST(CoreSet, HasWhatWasAdded) {
    CoreSet set;
    EXPECT_TRUE(set.empty());
    for (const CoreId core : std::vector<CoreId>{63, 0, 31, 32, 31}) set.add(core);
    EXPECT_EQ(members(set), (std::vector<CoreId>{0, 31, 32, 63}));
    EXPECT_TRUE(set.has(63));
    EXPECT_FALSE(set.has(62));
    set.remove(31);
    set.remove(30);
    EXPECT_EQ(members(set), (std::vector<CoreId>{0, 32, 63}));
}

TEST(CoreSet, JoinsAnother) {
    CoreSet one, other;
    one.add(1);
    other.add(1);
    other.add(40);
    one.add(other);
    EXPECT_EQ(members(one), (std::vector<CoreId>{1, 40}));
    EXPECT_EQ(members(other), (std::vector<CoreId>{1, 40}));
}

TEST(CoreSet, MayChangeWhileItIsVisited) {
    CoreSet set;
    for (CoreId core = 0; core < 4; ++core) set.add(core);
    std::vector<CoreId> seen;
    set.for_each([&](CoreId core) {
        seen.push_back(core);
        set = {};
    });
    EXPECT_EQ(seen, (std::vector<CoreId>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace starling
