#include "app/quic_flags.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace starling {
namespace {

namespace fs = std::filesystem;

TEST(QuicFlags, WithoutQuicThereIsNoTls) {
    EXPECT_FALSE(*understand(QuicFlags{}, "localhost"));
    QuicFlags cases[5];
    cases[0].authority_file = "x";
    cases[1].authority_folder = "x";
    cases[2].certificate_file = "x";
    cases[3].key_file = "x";
    cases[4].is_insecure = true;
    const char* names[] = {"--cafile", "--capath", "--cert", "--key", "--insecure"};
    for (std::size_t i = 0; i < std::size(cases); ++i) {
        const auto trust = understand(cases[i], "localhost");
        ASSERT_FALSE(trust);
        EXPECT_EQ(trust.error().text,
                  std::string(names[i]) + " without --quic is not in this build.");
        EXPECT_EQ(trust.error().status, 2);
    }
}

TEST(QuicFlags, AreUnderstood) {
    const auto trust = understand({.is_quic = true,
                                   .authority_file = "a",
                                   .authority_folder = "b",
                                   .certificate_file = "c",
                                   .key_file = "d"},
                                  "broker.example");
    ASSERT_TRUE(trust && *trust);
    EXPECT_EQ((*trust)->authority_file, "a");
    EXPECT_EQ((*trust)->authority_folder, "b");
    EXPECT_EQ((*trust)->certificate_file, "c");
    EXPECT_EQ((*trust)->key_file, "d");
    EXPECT_FALSE((*trust)->is_anybody_trusted);
    EXPECT_TRUE((**understand({.is_quic = true, .is_insecure = true}, "x")).is_anybody_trusted);
}

TEST(QuicFlags, MustMakeSense) {
    const QuicFlags cases[] = {
        {.is_quic = true, .is_insecure = true, .authority_file = "a"},
        {.is_quic = true, .is_insecure = true, .authority_folder = "a"},
        {.is_quic = true, .certificate_file = "a"},
        {.is_quic = true, .key_file = "a"},
    };
    for (const QuicFlags& flags : cases) {
        const auto trust = understand(flags, "localhost");
        ASSERT_FALSE(trust);
        EXPECT_EQ(trust.error().status, 1);
    }
}

// A state folder of its own. Owner: the test.
class OwnCertificate : public testing::Test {
protected:
    OwnCertificate() {
        std::string name = testing::TempDir() + "/quic_flags_test.XXXXXX";
        folder = ::mkdtemp(name.data());
        ::setenv("XDG_STATE_HOME", folder.c_str(), 1);
        fs::create_directory(folder / "starling");
        std::ofstream(own_certificate_file()) << "mine";
        fs::permissions(own_certificate_file(), fs::perms(0644));
    }
    ~OwnCertificate() override {
        ::unsetenv("XDG_STATE_HOME");
        fs::remove_all(folder);
    }

    static std::string trusted(const std::string& host, QuicFlags flags = {.is_quic = true}) {
        return (**understand(flags, host)).known_certificate;
    }

    fs::path folder;
};

TEST_F(OwnCertificate, IsTrustedOnThisMachine) {
    for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1"})
        EXPECT_EQ(trusted(host), "mine") << host;
    for (const char* host : {"192.0.2.1", "broker.example", "localhost.example", "::"})
        EXPECT_EQ(trusted(host), "") << host;
    EXPECT_EQ(trusted("localhost", {.is_quic = true, .authority_file = "a"}), "");
    EXPECT_EQ(trusted("localhost", {.is_quic = true, .is_insecure = true}), "");
}

TEST_F(OwnCertificate, IsOneThatNobodyElseCouldHaveWritten) {
    fs::permissions(own_certificate_file(), fs::perms(0664));
    EXPECT_EQ(trusted("localhost"), "");
    fs::remove(own_certificate_file());
    EXPECT_EQ(trusted("localhost"), "");
    fs::create_directory(own_certificate_file());
    EXPECT_EQ(trusted("localhost"), "");
}

TEST(OwnCertificateFile, LiesInTheStateFolder) {
    ::unsetenv("XDG_STATE_HOME");
    const char* home = std::getenv("HOME");
    const std::string before = home ? home : "";
    ::setenv("HOME", "/home/me", 1);
    EXPECT_EQ(own_certificate_file(), "/home/me/.local/state/starling/self-signed.crt");
    ::setenv("XDG_STATE_HOME", "relative", 1);
    EXPECT_EQ(own_certificate_file(), "/home/me/.local/state/starling/self-signed.crt");
    ::setenv("XDG_STATE_HOME", "/state", 1);
    EXPECT_EQ(own_certificate_file(), "/state/starling/self-signed.crt");
    ::unsetenv("XDG_STATE_HOME");
    ::unsetenv("HOME");
    EXPECT_EQ(own_certificate_file(), "");
    if (home) ::setenv("HOME", before.c_str(), 1);
}

}  // namespace
}  // namespace starling
