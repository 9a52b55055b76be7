#include "base/private_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace starling {
namespace {

namespace fs = std::filesystem;

class PrivateFileTest : public testing::Test {
protected:
    PrivateFileTest() {
        std::string folder = (fs::temp_directory_path() / "starling.XXXXXX").string();
        folder_ = ::mkdtemp(folder.data());
    }
    ~PrivateFileTest() override { fs::remove_all(folder_); }

    std::string file(const char* name) const { return folder_ / name; }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
    }

    fs::path folder_;
};

TEST_F(PrivateFileTest, IsReplacedWhole) {
    ASSERT_TRUE(write_private_file(file("key"), "old"));
    const std::string large(100'000, 'x');
    ASSERT_TRUE(write_private_file(file("key"), large));
    struct stat facts {};
    ASSERT_EQ(::stat(file("key").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
    std::string text;
    ASSERT_TRUE(read_own_file(file("key"), Others::MayNothing, text));
    EXPECT_EQ(text, large);
    EXPECT_EQ(files(), 1u);
}

TEST_F(PrivateFileTest, WhatCannotBePutInPlaceLeavesNothing) {
    fs::create_directory(file("key"));
    EXPECT_FALSE(write_private_file(file("key"), "text"));
    EXPECT_EQ(files(), 1u);
    const auto written = write_private_file(file("missing/key"), "text");
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().find("missing/key"), std::string::npos) << written.error();
}

struct RefusalCase {
    const char* name;
    mode_t mode;
    Others others;
    std::size_t bytes;
    bool is_read;
};

class PrivateFileRefusals : public PrivateFileTest,
                            public testing::WithParamInterface<RefusalCase> {};

TEST_P(PrivateFileRefusals, DependOnWhoElseHasAHandInIt) {
    std::ofstream(file("key")) << std::string(GetParam().bytes, 'x');
    ASSERT_EQ(::chmod(file("key").c_str(), GetParam().mode), 0);
    std::string text;
    EXPECT_EQ(read_own_file(file("key"), GetParam().others, text).ok(), GetParam().is_read);
}

INSTANTIATE_TEST_SUITE_P(
    PrivateFile, PrivateFileRefusals,
    testing::Values(RefusalCase{"own", 0600, Others::MayNothing, 3, true},
                    RefusalCase{"readable", 0644, Others::MayNothing, 3, false},
                    RefusalCase{"readable_may_be", 0644, Others::MayRead, 3, true},
                    RefusalCase{"writable", 0620, Others::MayRead, 3, false},
                    RefusalCase{"too_large", 0600, Others::MayNothing, (1 << 20) + 1, false}),
    [](const auto& one) { return one.param.name; });

TEST_F(PrivateFileTest, OnlyAFileIsRead) {
    std::string text;
    EXPECT_FALSE(read_own_file(file("none"), Others::MayNothing, text));
    EXPECT_FALSE(read_own_file(folder_.string(), Others::MayRead, text));
}

}  // namespace
}  // namespace starling
