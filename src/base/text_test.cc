#include "base/text.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Text, HoldsWhatItWasMadeOf) {
    const std::string long_one(70'000, 'x');
    for (const std::string_view one :
         {std::string_view(), std::string_view("a"), std::string_view("a\0b", 3),
          std::string_view("fleet/1/command"), std::string_view(long_one)})
        EXPECT_EQ(Text(one).view(), one);
    EXPECT_EQ(Text().view(), "");
}

TEST(Text, MovesWithoutItsCharacters) {
    Text from("fleet/1/command");
    const char* const characters = from.view().data();
    const Text to(std::move(from));
    EXPECT_EQ(to.view().data(), characters);
    static_assert(sizeof(Text) == 8);
}

}  // namespace
}  // namespace starling
