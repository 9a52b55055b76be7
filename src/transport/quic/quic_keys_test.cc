#include "transport/quic/quic_keys.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace starling::quic {
namespace {

constexpr std::uint64_t kNow = 1'700'000'000;

class KeepKeys : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "/quic_keys_XXXXXX";
        parent = ::mkdtemp(pattern.data());
        folder = parent + "/state";
        file = folder + "/quic.keys";
    }
    void TearDown() override { std::filesystem::remove_all(parent); }

    QuicKeys keep(std::uint64_t now_s = kNow) {
        auto keys = keep_keys(folder, now_s);
        EXPECT_TRUE(keys) << keys.error();
        return *keys;
    }

    unsigned mode(const std::string& path) {
        struct stat facts {};
        EXPECT_EQ(::stat(path.c_str(), &facts), 0);
        return facts.st_mode & 0777;
    }

    std::string parent, folder, file;
};

TEST_F(KeepKeys, FindsThemAgainUnderAnotherEpoch) {
    const QuicKeys first = keep(), second = keep(kNow + kKeysGoodS);
    EXPECT_EQ(second.ids, first.ids);
    EXPECT_EQ(second.resets, first.resets);
    EXPECT_EQ(second.tokens, first.tokens);
    EXPECT_EQ(second.tickets, first.tickets);
    EXPECT_NE(second.epoch, first.epoch);
    EXPECT_EQ(keep(kNow - 3'600).ids, first.ids);
}

TEST_F(KeepKeys, ReplacesOldOnes) {
    const QuicKeys first = keep();
    const QuicKeys later = keep(kNow + kKeysGoodS + 1);
    EXPECT_NE(later.ids, first.ids);
    EXPECT_EQ(keep(kNow + kKeysGoodS + 2).ids, later.ids);
}

TEST_F(KeepKeys, NobodyElseMayReadThem) {
    keep();
    EXPECT_EQ(mode(folder), 0700u);
    EXPECT_EQ(mode(file), 0600u);
    ::chmod(file.c_str(), 0640);
    const auto keys = keep_keys(folder, kNow);
    ASSERT_FALSE(keys);
    EXPECT_EQ(keys.error(), file + ": others may read it; its mode should be 0600");
}

TEST_F(KeepKeys, SaysWhatIsWrong) {
    const auto nowhere = keep_keys(parent + "/no/where", kNow);
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error(), parent + "/no/where: No such file or directory");
    keep();
    std::ofstream(file, std::ios::trunc) << "nonsense";
    const auto nonsense = keep_keys(folder, kNow);
    ASSERT_FALSE(nonsense);
    EXPECT_EQ(nonsense.error(), file + ": not a file of keys; remove it to start with new ones");
}

}  // namespace
}  // namespace starling::quic
