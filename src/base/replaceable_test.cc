#include "base/replaceable.h"

#include <gtest/gtest.h>

#include "base/counted.h"

namespace starling {
namespace {

struct Number : Counted<Number> {
    Number(int its_value, int& its_deaths) : value(its_value), deaths(its_deaths) {}
    ~Number() { ++deaths; }
    int value;
    int& deaths;
};

TEST(Replaceable, WhoHasCopiedKeepsWhatItWas) {
    int deaths = 0;
    Replaceable<const Number> number;
    EXPECT_FALSE(number.get());
    EXPECT_EQ(number.version(), 0u);
    number.set(make_counted<Number>(1, deaths));
    {
        const Ref<const Number> before = number.get();
        number.set(make_counted<Number>(2, deaths));
        EXPECT_EQ(before->value, 1);
        EXPECT_EQ(number.version(), 2u);
        EXPECT_EQ(number.get()->value, 2);
        EXPECT_EQ(deaths, 0);
    }
    EXPECT_EQ(deaths, 1);
}

}  // namespace
}  // namespace starling
