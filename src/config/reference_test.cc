#include "config/reference.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace starling {
namespace {

std::string committed(const char* name) {
    const auto root = std::filesystem::path(__FILE__).parent_path() / "../..";
    std::ostringstream text;
    text << std::ifstream(root / "docs" / name).rdbuf();
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
