#include "transport/quic/client_credentials.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

namespace fs = std::filesystem;

// Files of certificates. Owner: the test.
class ClientCredentials : public testing::Test {
protected:
    ClientCredentials() {
        std::string name = testing::TempDir() + "/client_credentials_test.XXXXXX";
        folder = std::string(::mkdtemp(name.data())) + "/";
        const TestCertificate one = make_certificate(), other = make_certificate();
        put("one.crt", one.certificate);
        put("one.key", one.key);
        put("other.key", other.key);
        put("nonsense", "nonsense");
        fs::create_directory(folder + "empty");
    }
    ~ClientCredentials() override { fs::remove_all(folder); }

    void put(const char* name, const std::string& text) const {
        std::ofstream(folder + name) << text;
    }

    // What is wrong with it, without the folder.
    std::string fault(ClientTrust trust) const {
        for (std::string* file : {&trust.authority_file, &trust.authority_folder,
                                  &trust.certificate_file, &trust.key_file})
            if (!file->empty()) *file = folder + *file;
        const auto context = TlsContext::client(trust);
        if (context) return "";
        return context.error().substr(context.error().rfind('/') + 1);
    }

    std::string folder;
};

TEST_F(ClientCredentials, SaysWhichFileIsWrong) {
    EXPECT_EQ(fault({.authority_file = "one.crt"}), "");
    EXPECT_EQ(fault({.authority_file = "absent"}), "absent: No such file or directory");
    EXPECT_EQ(fault({.authority_file = "nonsense"}), "nonsense: no certificate of an authority");
    EXPECT_EQ(fault({.authority_folder = "empty"}), "empty: no certificate of an authority");
    EXPECT_EQ(fault({.is_anybody_trusted = true}), "");

    const auto show = [&](const char* certificate, const char* key) {
        return fault(
            {.certificate_file = certificate, .key_file = key, .is_anybody_trusted = true});
    };
    EXPECT_EQ(show("one.crt", "one.key"), "");
    EXPECT_EQ(show("one.crt", "absent"), "absent: No such file or directory");
    EXPECT_EQ(show("one.crt", "other.key"), "one.crt");
    EXPECT_EQ(show("nonsense", "one.key").substr(0, 23), "one.key: cannot be used");
}

TEST_F(ClientCredentials, ADigestTellsTrustsApart) {
    const ClientTrust trusts[] = {
        {},
        {.authority_file = folder + "one.crt"},
        {.authority_folder = folder},
        {.known_certificate = "one"},
        {.certificate_file = folder + "one.crt"},
        {.is_anybody_trusted = true},
    };
    for (const ClientTrust& one : trusts)
        for (const ClientTrust& other : trusts)
            EXPECT_EQ(one.digest() == other.digest(), &one == &other);
    fs::copy(folder + "one.crt", folder + "copy.crt");
    EXPECT_EQ(ClientTrust{.authority_file = folder + "one.crt"}.digest(),
              ClientTrust{.authority_file = folder + "copy.crt"}.digest());
}

}  // namespace
}  // namespace starling::quic
