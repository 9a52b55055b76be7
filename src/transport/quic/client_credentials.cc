#include "transport/quic/client_credentials.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace starling::quic {
namespace {

using Credentials = gnutls_certificate_credentials_t;

gnutls_datum_t datum(const std::string& text) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
            static_cast<unsigned>(text.size())};
}

Result<void, std::string> read_file(const std::string& path, std::string& text) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return path + ": " + std::strerror(errno);
    text.assign(std::istreambuf_iterator<char>(file), {});
    return {};
}

// How many certificates there were.
int trust_text(const std::string& text, Credentials credentials) {
    const gnutls_datum_t list = datum(text);
    return gnutls_certificate_set_x509_trust_mem(credentials, &list, GNUTLS_X509_FMT_PEM);
}

Result<void, std::string> trust_named(const ClientTrust& trust, Credentials credentials) {
    constexpr const char* kNobody = ": no certificate of an authority";
    if (!trust.authority_file.empty()) {
        std::string text;
        STARLING_CHECK(read_file(trust.authority_file, text));
        if (trust_text(text, credentials) <= 0) return trust.authority_file + kNobody;
    }
    if (!trust.authority_folder.empty() &&
        gnutls_certificate_set_x509_trust_dir(credentials, trust.authority_folder.c_str(),
                                              GNUTLS_X509_FMT_PEM) <= 0)
        return trust.authority_folder + kNobody;
    return {};
}

Result<void, std::string> trust_others(const ClientTrust& trust, Credentials credentials) {
    const bool is_any_known =
        !trust.known_certificate.empty() && trust_text(trust.known_certificate, credentials) > 0;
    if (gnutls_certificate_set_x509_system_trust(credentials) > 0 || is_any_known) return {};
    return std::string("this system has no certificate of an authority to trust");
}

Result<void, std::string> show(const ClientTrust& trust, Credentials credentials) {
    std::string certificate, key;
    STARLING_CHECK(read_file(trust.certificate_file, certificate));
    STARLING_CHECK(read_file(trust.key_file, key));
    const gnutls_datum_t chain = datum(certificate), secret = datum(key);
    const int failure = gnutls_certificate_set_x509_key_mem2(credentials, &chain, &secret,
                                                             GNUTLS_X509_FMT_PEM, nullptr, 0);
    gnutls_memset(key.data(), 0, key.size());
    if (failure == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return trust.key_file + ": the key does not belong to " + trust.certificate_file;
    if (failure >= 0) return {};
    return trust.certificate_file + ", " + trust.key_file +
           ": cannot be used: " + gnutls_strerror(failure);
}

}  // namespace

Result<void, std::string> load(const ClientTrust& trust, Credentials credentials) {
    if (!trust.certificate_file.empty()) STARLING_CHECK(show(trust, credentials));
    if (trust.is_anybody_trusted) return {};
    return trust.names_authorities() ? trust_named(trust, credentials)
                                     : trust_others(trust, credentials);
}

}  // namespace starling::quic
