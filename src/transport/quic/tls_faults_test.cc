#include "transport/quic/tls_faults.h"

#include <cerrno>
#include <gnutls/gnutls.h>

#include <gtest/gtest.h>

#include "transport/fault.h"

namespace starling::quic {
namespace {

TEST(TlsFaults, ACertificateHasOneFault) {
    struct Case {
        unsigned status;
        Fault fault;
    };
    static constexpr Case cases[] = {
        {GNUTLS_CERT_INVALID | GNUTLS_CERT_SIGNER_NOT_FOUND, Fault::UnknownAuthority},
        {GNUTLS_CERT_INVALID | GNUTLS_CERT_SIGNATURE_FAILURE, Fault::UnknownAuthority},
        {GNUTLS_CERT_INVALID | GNUTLS_CERT_EXPIRED, Fault::Expired},
        {GNUTLS_CERT_INVALID | GNUTLS_CERT_NOT_ACTIVATED, Fault::NotYetValid},
        {GNUTLS_CERT_INVALID | GNUTLS_CERT_UNEXPECTED_OWNER, Fault::OtherName},
        {GNUTLS_CERT_INVALID | GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_UNEXPECTED_OWNER,
         Fault::UnknownAuthority},
        {GNUTLS_CERT_INVALID | GNUTLS_CERT_REVOKED, Fault::Untrusted},
    };
    for (const Case& c : cases)
        EXPECT_EQ(fault_of_verification(c.status), static_cast<int>(c.fault)) << c.status;
    EXPECT_EQ(fault_of_verification(0), 0);
    EXPECT_EQ(fault_of_verification(~0u), 0) << "GnuTLS has looked at none";
}

TEST(TlsFaults, AServerSaysWhyItCloses) {
    struct Case {
        std::uint64_t code;
        int error;
    };
    static constexpr Case cases[] = {
        {0x02, ECONNREFUSED},
        {0x0A, 0},  // a violation of the protocol
        {0x100 + 40, static_cast<int>(Fault::HandshakeFailed)},
        {0x100 + 42, static_cast<int>(Fault::CertificateRefused)},
        {0x100 + 48, static_cast<int>(Fault::CertificateRefused)},
        {0x100 + 116, static_cast<int>(Fault::CertificateRequired)},
        {0x100 + 120, static_cast<int>(Fault::ProtocolRefused)},
        {0x200, 0},
    };
    for (const Case& c : cases) EXPECT_EQ(fault_of_close(c.code), c.error) << c.code;
}

TEST(Fault, HasWords) {
    EXPECT_EQ(error_text(ECONNREFUSED), "Connection refused");
    for (int code = static_cast<int>(Fault::UnknownAuthority);
         code <= static_cast<int>(Fault::HandshakeFailed); ++code)
        EXPECT_EQ(error_text(code).substr(0, 4), "the ") << code;
}

}  // namespace
}  // namespace starling::quic
