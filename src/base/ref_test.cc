#include "base/ref.h"

#include <gtest/gtest.h>

#include "base/counted.h"

namespace starling {
namespace {

// Says in `alive` whether it is. Owner: the test.
class Thing : public Counted<Thing> {
public:
    explicit Thing(bool& alive) : alive_(alive) { alive_ = true; }
    ~Thing() { alive_ = false; }

private:
    bool& alive_;
};

TEST(Ref, DestroysWithTheLastReference) {
    bool alive = false;
    auto first = make_counted<Thing>(alive);
    {
        const Ref<const Thing> second = first;
        EXPECT_TRUE(second == first);
        first = nullptr;
        EXPECT_FALSE(first);
        EXPECT_TRUE(alive);
    }
    EXPECT_FALSE(alive);
}

TEST(Ref, IsMovedWithoutCounting) {
    bool alive = false;
    auto first = make_counted<Thing>(alive);
    const Ref<const Thing> second = std::move(first);
    EXPECT_FALSE(first);
    EXPECT_TRUE(second);
    EXPECT_TRUE(alive);
}

TEST(Ref, SurvivesAssignmentToItself) {
    bool alive = false;
    auto ref = make_counted<Thing>(alive);
    const auto& same = ref;
    ref = same;
    EXPECT_TRUE(alive);
}

TEST(Counted, TakesManyReferencesAtOnce) {
    bool alive = false;
    const Thing* thing = new Thing(alive);
    thing->retain(2);
    for (int i = 0; i < 2; ++i) thing->release();
    EXPECT_TRUE(alive);
    thing->release();
    EXPECT_FALSE(alive);
}

}  // namespace
}  // namespace starling
