#include "app/self_signed.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gnutls/x509.h>
#include <sstream>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transport/quic/tls.h"

namespace starling {
namespace {

const auto kNow = static_cast<std::uint64_t>(std::time(nullptr));

class SelfSignedTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "/self_signed_XXXXXX";
        folder = std::move(*DataFolder::open(::mkdtemp(pattern.data())));
    }
    void TearDown() override { std::filesystem::remove_all(folder->path()); }

    quic::TlsFiles keep(std::uint64_t now_s = kNow) {
        const auto kept = keep_self_signed(*folder, now_s);
        EXPECT_TRUE(kept) << kept.error();
        return *kept;
    }

    static std::string text_of(const std::string& path) {
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        return text.str();
    }

    std::unique_ptr<DataFolder> folder;
};

TEST_F(SelfSignedTest, IsMadeOnce) {
    const quic::TlsFiles files = keep();
    const std::string certificate = text_of(files.certificate), key = text_of(files.key);
    const quic::TlsFiles again = keep(kNow + kSelfSignedGoodS - 1);
    EXPECT_EQ(text_of(again.certificate), certificate);
    EXPECT_EQ(text_of(again.key), key);
    for (const std::string& path : {files.certificate, files.key}) {
        struct stat facts {};
        ASSERT_EQ(::stat(path.c_str(), &facts), 0);
        EXPECT_EQ(facts.st_mode & 0777, 0600u) << path;
    }
}

TEST_F(SelfSignedTest, IsMadeAnewWhenItIsNoLongerGood) {
    const quic::TlsFiles files = keep();
    std::string before = text_of(files.certificate);
    const auto is_replaced = [&](std::uint64_t now_s) {
        keep(now_s);
        return std::exchange(before, text_of(files.certificate)) != before;
    };
    EXPECT_FALSE(is_replaced(kNow));
    EXPECT_TRUE(is_replaced(kNow + kSelfSignedGoodS + 1));
    std::filesystem::remove(files.key);
    EXPECT_TRUE(is_replaced(kNow));
    std::filesystem::remove(files.certificate);
    EXPECT_TRUE(is_replaced(kNow));
}

// Whoever put it there wants to know.
TEST_F(SelfSignedTest, WhatIsNoCertificateIsLeftAlone) {
    const quic::TlsFiles files = keep();
    std::ofstream(files.certificate) << "nonsense";
    keep();
    EXPECT_EQ(text_of(files.certificate), "nonsense");
}

TEST_F(SelfSignedTest, AServerCanShowIt) {
    const quic::QuicKeys keys = quic::QuicKeys::random();
    const auto context = quic::TlsContext::server(keep(), keys);
    EXPECT_TRUE(context) << context.error();
}

TEST_F(SelfSignedTest, NamesThisMachine) {
    std::string text = text_of(keep().certificate);
    const gnutls_datum_t data{reinterpret_cast<unsigned char*>(text.data()),
                              static_cast<unsigned>(text.size())};
    gnutls_x509_crt_t certificate = nullptr;
    ASSERT_EQ(gnutls_x509_crt_init(&certificate), 0);
    ASSERT_EQ(gnutls_x509_crt_import(certificate, &data, GNUTLS_X509_FMT_PEM), 0);
    for (const char* name : {"localhost", "127.0.0.1", "::1"})
        EXPECT_NE(gnutls_x509_crt_check_hostname(certificate, name), 0u) << name;
    for (const char* name : {"elsewhere.example", "127.0.0.2", "Starling"})
        EXPECT_EQ(gnutls_x509_crt_check_hostname(certificate, name), 0u) << name;
    gnutls_x509_crt_deinit(certificate);
}

TEST_F(SelfSignedTest, AFingerprintIsThatOfTheCertificate) {
    const quic::TlsFiles files = keep();
    const std::string print = fingerprint(files.certificate);
    EXPECT_THAT(print, testing::MatchesRegex("([0-9A-F][0-9A-F]:){31}[0-9A-F][0-9A-F]"));
    keep(kNow + kSelfSignedGoodS + 1);
    EXPECT_NE(fingerprint(files.certificate), print);
    EXPECT_EQ(fingerprint(files.key), "");
    EXPECT_EQ(fingerprint("/nowhere"), "");
}

}  // namespace
}  // namespace starling
