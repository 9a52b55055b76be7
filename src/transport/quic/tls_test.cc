#include "transport/quic/tls.h"

#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>

#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

const TestCertificate& good() {
    static const TestCertificate made = make_certificate();
    return made;
}

TEST(TlsContext, SaysWhatIsWrongWithACertificate) {
    const QuicKeys keys = QuicKeys::random();
    const TestCertificate other = make_certificate();
    const TestCertificate expired = make_certificate(-7200, -3600);
    const TestCertificate early = make_certificate(3600, 7200);
    struct Case {
        std::string certificate, key;
        const char* says;
    };
    const Case cases[] = {
        {"", good().key, "name: no PEM certificate"},
        {"nonsense", good().key, "name: no PEM certificate"},
        {expired.certificate, expired.key, "name: the certificate has expired"},
        {early.certificate, early.key, "name: the certificate is not valid yet"},
        {good().certificate, other.key, "name: the key does not belong to the certificate"},
        {good().certificate, "", "name: the key cannot be used"},
        {good().certificate, good().certificate, "name: the key cannot be used"},
    };
    for (const Case& c : cases) {
        const auto context = TlsContext::server_from_pem(c.certificate, c.key, "name", keys);
        ASSERT_FALSE(context) << c.says;
        EXPECT_EQ(context.error().substr(0, std::string_view(c.says).size()), c.says);
    }
    EXPECT_TRUE(TlsContext::server_from_pem(good().certificate, good().key, "name", keys));
}

TEST(TlsContext, ReadsFilesAndNamesTheMissingOne) {
    const QuicKeys keys = QuicKeys::random();
    const std::string folder = testing::TempDir();
    const std::string certificate = folder + "/quic_tls_test.crt",
                      key = folder + "/quic_tls_test.key";
    std::ofstream(certificate) << good().certificate;
    std::ofstream(key) << good().key;
    EXPECT_TRUE(TlsContext::server({certificate, key, ""}, keys));
    const auto no_key = TlsContext::server({certificate, folder + "/absent.key", ""}, keys);
    ASSERT_FALSE(no_key);
    EXPECT_EQ(no_key.error(), folder + "/absent.key: No such file or directory");
    EXPECT_FALSE(TlsContext::server({folder + "/absent.crt", key, ""}, keys));
    const auto no_file = TlsContext::server({folder, key, ""}, keys);
    ASSERT_FALSE(no_file);
    EXPECT_EQ(no_file.error(), folder + ": Is a directory");
    const auto endless = TlsContext::server({"/dev/zero", key, ""}, keys);
    ASSERT_FALSE(endless);
    EXPECT_EQ(endless.error(), "/dev/zero: too large");
    std::remove(certificate.c_str());
    std::remove(key.c_str());
}

TEST(TlsContext, AClientTrustsSomebody) {
    EXPECT_TRUE(TlsContext::client(good().certificate, TlsContext::Trust::Verified));
    EXPECT_TRUE(TlsContext::client("", TlsContext::Trust::Anybody));
    EXPECT_FALSE(TlsContext::client("nonsense", TlsContext::Trust::Verified));
}

// A handshake between whoever is given here, and how it ended at the client.
std::uint64_t close_code(const std::string& server_name, std::string_view protocol,
                         const std::string& authorities, TlsContext::Trust trust) {
    QuicRig rig;
    const auto context = std::move(*TlsContext::client(authorities, trust));
    QuicClients clients({.options = rig.server().options(),
                         .keys = rig.keys,
                         .tls = *context,
                         .sender = rig.client_port(),
                         .seed = 1});
    rig.replace_clients(&clients);
    clients.set_time(rig.network.now, 0);
    const Handle handle = *clients.connect({.path = {rig.client_address(), rig.server_address()},
                                            .server_name = server_name,
                                            .protocol = protocol});
    std::uint64_t code = 0;
    rig.run_until(
        [&] {
            const QuicConnection* client = clients.find(handle);
            if (client) code = client->close_code();
            return !client || client->is_tls_free();
        },
        5 * kSecond);
    rig.replace_clients(nullptr);
    return code;
}

TEST(TlsSession, AgreesOnAProtocolAndKnowsItsPeer) {
    struct Case {
        const char* what;
        std::string server_name;
        const char* protocol;
        std::string authorities;
        TlsContext::Trust trust;
        std::uint64_t code;
    };
    const TestCertificate other = make_certificate();
    using Trust = TlsContext::Trust;
    const Case cases[] = {
        {"mqtt", "localhost", "mqtt", rig_certificate().certificate, Trust::Verified, 0},
        {"mqttv5", "localhost", "mqttv5", rig_certificate().certificate, Trust::Verified, 0},
        {"anybody", "elsewhere", "mqtt", "", Trust::Anybody, 0},
        {"no such protocol", "localhost", "h3", "", Trust::Anybody, 0x178},
        {"an empty protocol", "localhost", "", "", Trust::Anybody, 0x132},
        {"another name", "elsewhere", "mqtt", rig_certificate().certificate, Trust::Verified,
         0x12A},
        {"another authority", "localhost", "mqtt", other.certificate, Trust::Verified, 0x12A},
    };
    for (const Case& c : cases)
        EXPECT_EQ(close_code(c.server_name, c.protocol, c.authorities, c.trust), c.code) << c.what;
}

}  // namespace
}  // namespace starling::quic
