#include "base/slab.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Slab, FindsWhatIsAliveOnly) {
    Slab<std::string> slab;
    const Handle handle = slab.emplace("first");
    ASSERT_NE(slab.find(handle), nullptr);
    EXPECT_EQ(*slab.find(handle), "first");
    EXPECT_EQ(slab.handle(handle.index), handle);
    slab.erase(handle);
    EXPECT_EQ(slab.find(handle), nullptr);
    EXPECT_FALSE(slab.is_alive(handle.index));
    EXPECT_EQ(slab.find(Handle{}), nullptr);
    EXPECT_EQ(slab.find(Handle{99, 1}), nullptr);
}

TEST(Slab, UsesAPlaceAgainUnderAnotherGeneration) {
    Slab<std::string> slab;
    const Handle old = slab.emplace("old");
    slab.erase(old);
    const Handle fresh = slab.emplace("fresh");
    EXPECT_EQ(fresh.index, old.index);
    EXPECT_NE(fresh.generation, old.generation);
    EXPECT_EQ(slab.find(old), nullptr);
    EXPECT_EQ(slab[fresh.index], "fresh");
}

TEST(Slab, NeverMovesAnObject) {
    Slab<int, 4> slab;
    const int* first = slab.find(slab.emplace(0));
    for (int i = 1; i < 100; ++i) slab.emplace(i);
    EXPECT_EQ(*first, 0);
    EXPECT_EQ(first, &slab[0]);
    EXPECT_EQ(slab.size(), 100u);
    EXPECT_EQ(slab.index_end(), 100u);
}

TEST(Slab, VisitsTheLivingAndLetsThemBeErased) {
    Slab<int, 4> slab;
    for (int i = 0; i < 10; ++i) slab.emplace(i);
    slab.for_each([&](Handle handle, int& value) {
        if (value % 2 == 0) slab.erase(handle);
    });
    std::vector<int> left;
    slab.for_each([&](Handle, int& value) { left.push_back(value); });
    EXPECT_EQ(left, (std::vector<int>{1, 3, 5, 7, 9}));
    EXPECT_EQ(slab.size(), 5u);
}

TEST(Slab, DestroysWhatIsLeft) {
    const auto shared = std::make_shared<int>(0);
    {
        Slab<std::shared_ptr<int>> slab;
        slab.emplace(shared);
        slab.erase(slab.emplace(shared));
        EXPECT_EQ(shared.use_count(), 2);
    }
    EXPECT_EQ(shared.use_count(), 1);
}

TEST(Handle, IsPackedIntoOneNumber) {
    const Handle handle{0xFFFFFFFE, 7};
    EXPECT_EQ(Handle::unpack(handle.packed()), handle);
    EXPECT_TRUE(handle);
    EXPECT_FALSE(Handle{});
}

}  // namespace
}  // namespace starling
