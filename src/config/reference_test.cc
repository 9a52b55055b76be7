#include "config/reference.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace starling {
namespace {

// Tests run at the root of the tree.
std::string committed(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream("docs/" + name).rdbuf();
    return text.str();
}

TEST(Reference, PagesAreCurrent) {
    EXPECT_EQ(committed("configuration.md"), configuration_page())
        << "run: starling check-config --page configuration > docs/configuration.md";
    EXPECT_EQ(committed("limits.md"), limits_page())
        << "run: starling check-config --page limits > docs/limits.md";
}

}  // namespace
}  // namespace starling
