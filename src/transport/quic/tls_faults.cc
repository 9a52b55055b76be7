#include "transport/quic/tls_faults.h"

#include <cerrno>
#include <gnutls/gnutls.h>

#include "transport/fault.h"

namespace starling::quic {
namespace {

constexpr unsigned kNotVerified = ~0u;
constexpr std::uint64_t kConnectionRefused = 0x02;
constexpr std::uint64_t kFirstAlert = 0x100;  // RFC 9001, section 4.8
constexpr std::uint64_t kLastAlert = 0x1FF;

Fault verification_fault(unsigned status) {
    // An authority of the same name that did not sign it is as good as none.
    constexpr unsigned kUnknown = GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNATURE_FAILURE;
    if ((status & kUnknown) != 0) return Fault::UnknownAuthority;
    if ((status & GNUTLS_CERT_EXPIRED) != 0) return Fault::Expired;
    if ((status & GNUTLS_CERT_NOT_ACTIVATED) != 0) return Fault::NotYetValid;
    if ((status & GNUTLS_CERT_UNEXPECTED_OWNER) != 0) return Fault::OtherName;
    return Fault::Untrusted;
}

Fault alert_fault(std::uint8_t alert) {
    switch (alert) {
        case GNUTLS_A_BAD_CERTIFICATE:
        case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
        case GNUTLS_A_CERTIFICATE_REVOKED:
        case GNUTLS_A_CERTIFICATE_EXPIRED:
        case GNUTLS_A_CERTIFICATE_UNKNOWN:
        case GNUTLS_A_UNKNOWN_CA:
        case GNUTLS_A_ACCESS_DENIED: return Fault::CertificateRefused;
        case GNUTLS_A_CERTIFICATE_REQUIRED: return Fault::CertificateRequired;
        case GNUTLS_A_NO_APPLICATION_PROTOCOL: return Fault::ProtocolRefused;
        default: return Fault::HandshakeFailed;
    }
}

}  // namespace

int fault_of_verification(unsigned status) {
    if (status == 0 || status == kNotVerified) return 0;
    return static_cast<int>(verification_fault(status));
}

int fault_of_alert(std::uint8_t alert) { return static_cast<int>(alert_fault(alert)); }

int fault_of_close(std::uint64_t code) {
    if (code == kConnectionRefused) return ECONNREFUSED;
    if (code < kFirstAlert || code > kLastAlert) return 0;
    return fault_of_alert(static_cast<std::uint8_t>(code - kFirstAlert));
}

}  // namespace starling::quic
