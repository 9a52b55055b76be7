#include "transport/quic/key_file.h"

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

void expect_same(const QuicKeys& found, const QuicKeys& expected) {
    ASSERT_EQ(found.sets.size(), expected.sets.size());
    for (std::size_t i = 0; i < found.sets.size(); ++i) {
        const KeySet &one = found.sets[i], &other = expected.sets[i];
        EXPECT_EQ(one.ids, other.ids);
        EXPECT_EQ(one.resets, other.resets);
        EXPECT_EQ(one.tokens, other.tokens);
        EXPECT_EQ(one.tickets, other.tickets);
        EXPECT_EQ(one.made_at_s, other.made_at_s);
        EXPECT_EQ(one.place, i);
    }
}

TEST_F(KeepKeys, FindsThemAgainUnderAnotherEpoch) {
    const QuicKeys first = keep(), second = keep(kNow + 1'000'000'000);
    expect_same(second, first);
    EXPECT_EQ(first.newest().made_at_s, kNow);
    EXPECT_NE(second.epoch, first.epoch);
}

TEST_F(KeepKeys, FindsEverySet) {
    QuicKeys keys = keep();
    while (keys.sets.size() < limits::kQuicKeySets) {
        keys.sets.insert(keys.sets.begin(), KeySet::random(kNow + keys.sets.size(), 0));
        ASSERT_TRUE(write_keys(folder, keys));
        expect_same(keep(), keys);
        EXPECT_EQ(mode(file), 0600u);
    }
    keys.sets.back().tokens = {};
    keys.sets.back().tickets = {};
    ASSERT_TRUE(write_keys(folder, keys));
    EXPECT_FALSE(keep().sets.back().opens_tokens());
}

TEST_F(KeepKeys, AFailureLeavesThoseOfBefore) {
    const QuicKeys first = keep();
    const auto written = write_keys(folder + "/no/where", QuicKeys::random(kNow));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error(), folder + "/no/where/quic.keys: No such file or directory");
    expect_same(keep(), first);
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
    const auto size = std::filesystem::file_size(file);
    const std::string nonsense[] = {"nonsense", "starling quic 1\n", "starling quic 1\n!",
                                    std::string(size, 'x')};
    for (const std::string& text : nonsense) {
        std::ofstream(file, std::ios::trunc) << text;
        const auto keys = keep_keys(folder, kNow);
        ASSERT_FALSE(keys) << text;
        EXPECT_EQ(keys.error(), file + ": not a file of keys; remove it to start with new ones");
    }
}

}  // namespace
}  // namespace starling::quic
