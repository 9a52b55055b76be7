#include "app/data_folder.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace starling {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class DataFolderTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "/data_folder_XXXXXX";
        parent = ::mkdtemp(pattern.data());
    }
    void TearDown() override { std::filesystem::remove_all(parent); }

    static unsigned mode(const std::string& path) {
        struct stat facts {};
        EXPECT_EQ(::stat(path.c_str(), &facts), 0) << path;
        return facts.st_mode & 0777;
    }

    std::string parent;
};

TEST_F(DataFolderTest, IsMadeForThisUserAlone) {
    const auto folder = DataFolder::open(parent + "/state/starling");
    ASSERT_TRUE(folder) << folder.error();
    EXPECT_EQ(mode(parent + "/state"), 0700u);
    EXPECT_EQ(mode(parent + "/state/starling"), 0700u);
    EXPECT_EQ((*folder)->file("x"), parent + "/state/starling/x");
}

TEST_F(DataFolderTest, IsOneBrokersAtATime) {
    {
        const auto first = DataFolder::open(parent);
        ASSERT_TRUE(first) << first.error();
        const auto second = DataFolder::open(parent);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error(),
                  "data folder " + parent +
                      ": another broker uses it; give each its own with --data-dir");
    }
    EXPECT_TRUE(DataFolder::open(parent));
}

TEST_F(DataFolderTest, SaysWhyItCannotBeUsed) {
    std::ofstream(parent + "/file") << "";
    struct Case {
        std::string path;
        const char* says;
    };
    const Case cases[] = {
        {"", "no folder for the data: give one with --data-dir"},
        {parent + "/file", ": Not a directory"},
        {parent + "/file/below", ": Not a directory"},
        {"/proc/starling", "cannot make /proc/starling: No such file or directory"},
    };
    for (const Case& c : cases) {
        const auto folder = DataFolder::open(c.path);
        ASSERT_FALSE(folder) << c.path;
        EXPECT_THAT(folder.error(), HasSubstr(c.says));
        if (!c.path.empty()) {
            EXPECT_THAT(folder.error(), StartsWith("data folder " + c.path));
        }
    }
}

TEST_F(DataFolderTest, AFileIsReplacedAsAWhole) {
    const auto folder = std::move(*DataFolder::open(parent));
    for (const std::string text : {"first, and longer", "second"}) {
        const auto written = folder->write("note", text);
        ASSERT_TRUE(written) << written.error();
        std::ostringstream read;
        read << std::ifstream(folder->file("note")).rdbuf();
        EXPECT_EQ(read.str(), text);
        EXPECT_EQ(mode(folder->file("note")), 0600u);
    }
}

}  // namespace
}  // namespace starling
