#include "transport/quic/ticket_file.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace starling::quic {
namespace {

namespace fs = std::filesystem;

// A folder of its own. Owner: the test.
class TicketFile : public testing::Test {
protected:
    TicketFile() {
        std::string name = testing::TempDir() + "/ticket_file_test.XXXXXX";
        folder = ::mkdtemp(name.data());
        path = folder / "ticket";
    }
    ~TicketFile() override { fs::remove_all(folder); }

    static ByteVector bytes(std::string_view text) {
        return {as_bytes(text).begin(), as_bytes(text).end()};
    }
    bool write(std::string_view ticket = "ticket", std::string_view token = "token") const {
        return write_ticket(path, "host:1",
                            {.ticket = bytes(ticket), .token = bytes(token), .limits = bytes("l")})
            .ok();
    }
    std::string fault(const std::string& binding = "host:1") const {
        const auto read = read_ticket(path, binding);
        return read ? "" : read.error();
    }

    fs::path folder;
    std::string path;
};

TEST_F(TicketFile, KeepsAllOfIt) {
    ASSERT_TRUE(write());
    ASSERT_TRUE(write("another ticket", ""));
    const auto read = read_ticket(path, "host:1");
    ASSERT_TRUE(read);
    EXPECT_EQ(as_text(read->ticket), "another ticket");
    EXPECT_EQ(as_text(read->token), "");
    EXPECT_EQ(as_text(read->limits), "l");
    struct stat facts {};
    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0600u);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1)
        << "nothing else is left";
}

TEST_F(TicketFile, IsOfOneServer) {
    ASSERT_TRUE(write());
    EXPECT_EQ(fault("host:2"), path + ": damaged, or of another server or other certificates");
}

TEST_F(TicketFile, IsLookedAtClosely) {
    EXPECT_EQ(fault(), path + ": No such file or directory");
    ASSERT_TRUE(write());
    std::string good;
    std::ifstream file(path, std::ios::binary);
    good.assign(std::istreambuf_iterator<char>(file), {});
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        std::ofstream(path, std::ios::binary) << bad;
        EXPECT_NE(fault(), "") << at;
    }
    for (std::size_t size = 0; size < good.size(); ++size) {
        std::ofstream(path, std::ios::binary) << good.substr(0, size);
        EXPECT_NE(fault(), "") << size;
    }
    std::ofstream(path, std::ios::binary) << good;
    EXPECT_EQ(fault(), "");
    fs::permissions(path, fs::perms::group_read, fs::perm_options::add);
    EXPECT_EQ(fault(), path + ": not a file that is yours alone");
}

TEST_F(TicketFile, SaysWhyItIsNotKept) {
    path = folder / "absent" / "ticket";
    EXPECT_EQ(write_ticket(path, "host:1", {}).error(), path + ": No such file or directory");
}

}  // namespace
}  // namespace starling::quic
