#include "base/result.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace starling {
namespace {

Result<std::unique_ptr<int>> make(bool fail) {
    if (fail) return Error{5, "make"};
    return std::make_unique<int>(7);
}

Result<void> check(bool fail) {
    if (fail) return Error{6, "check"};
    return {};
}

Result<std::string> steps(bool make_fails, bool check_fails) {
    STARLING_TRY(made, make(make_fails));
    STARLING_CHECK(check(check_fails));
    std::unique_ptr<int> again;
    STARLING_SET(again, make(false));
    return std::to_string(*made + *again);
}

TEST(Result, HoldsAValue) {
    const auto result = make(false);
    ASSERT_TRUE(result);
    EXPECT_TRUE(result.ok());
    EXPECT_EQ(**result, 7);
}

TEST(Result, HoldsAnError) {
    const auto result = make(true);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, 5);
    EXPECT_STREQ(result.error().text, "make");
}

TEST(Result, MovesItsValue) {
    auto result = make(false);
    const auto moved = std::move(result);
    EXPECT_EQ(**moved, 7);
    const std::unique_ptr<int> taken = std::move(*make(false));
    EXPECT_EQ(*taken, 7);
}

TEST(Result, IsPassedUpByTheMacros) {
    EXPECT_EQ(*steps(false, false), "14");
    EXPECT_EQ(steps(true, false).error().code, 5);
    EXPECT_EQ(steps(false, true).error().code, 6);
}

TEST(ResultDeathTest, EndsTheProcessWhenTheCallerDidNotLook) {
    EXPECT_DEATH((void)*make(true), "broken invariant");
    EXPECT_DEATH((void)make(false).error(), "broken invariant");
}

}  // namespace
}  // namespace starling
