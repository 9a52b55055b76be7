#include "app/self_signed.h"

#include <array>
#include <ctime>
#include <fstream>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>

#include "base/assert.h"

namespace starling {
namespace {

constexpr const char* kCertificateName = "self-signed.crt";
constexpr const char* kKeyName = "self-signed.key";

// Clocks differ: it is good already for one that is slow by so much.
constexpr std::uint64_t kSlowClockS = 24 * 3600;

template <auto Free>
struct Freer {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Certificate =
    std::unique_ptr<std::remove_pointer_t<gnutls_x509_crt_t>, Freer<gnutls_x509_crt_deinit>>;
using Key = std::unique_ptr<std::remove_pointer_t<gnutls_x509_privkey_t>,
                            Freer<gnutls_x509_privkey_deinit>>;

// Of a library that can fail here only for want of memory or randomness.
void check(int failure) { STARLING_ASSERT(failure >= 0); }

Certificate empty_certificate() {
    gnutls_x509_crt_t made = nullptr;
    check(gnutls_x509_crt_init(&made));
    return Certificate(made);
}

Key make_key() {
    gnutls_x509_privkey_t made = nullptr;
    check(gnutls_x509_privkey_init(&made));
    Key key(made);
    check(gnutls_x509_privkey_generate(made, GNUTLS_PK_ECDSA,
                                       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    return key;
}

void add_name(const Certificate& certificate, gnutls_x509_subject_alt_name_t kind,
              std::string_view name) {
    check(gnutls_x509_crt_set_subject_alt_name(certificate.get(), kind, name.data(),
                                               static_cast<unsigned>(name.size()),
                                               GNUTLS_FSAN_APPEND));
}

void add_names(const Certificate& certificate) {
    using namespace std::string_view_literals;
    add_name(certificate, GNUTLS_SAN_DNSNAME, "localhost");
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0' &&
        host.data() != "localhost"sv)
        add_name(certificate, GNUTLS_SAN_DNSNAME, host.data());
    add_name(certificate, GNUTLS_SAN_IPADDRESS, "\x7F\0\0\x01"sv);
    add_name(certificate, GNUTLS_SAN_IPADDRESS, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"sv);
}

Certificate make_certificate(const Key& key, std::uint64_t now_s) {
    Certificate certificate = empty_certificate();
    const gnutls_x509_crt_t made = certificate.get();
    std::array<unsigned char, 16> serial{};
    check(gnutls_rnd(GNUTLS_RND_NONCE, serial.data(), serial.size()));
    serial[0] = static_cast<unsigned char>((serial[0] & 0x7F) | 0x40);  // positive, of full length
    const std::string_view name = "Starling";
    check(gnutls_x509_crt_set_version(made, 3));
    check(gnutls_x509_crt_set_serial(made, serial.data(), serial.size()));
    check(gnutls_x509_crt_set_dn_by_oid(made, GNUTLS_OID_X520_COMMON_NAME, 0, name.data(),
                                        static_cast<unsigned>(name.size())));
    check(gnutls_x509_crt_set_activation_time(made, static_cast<std::time_t>(now_s - kSlowClockS)));
    check(gnutls_x509_crt_set_expiration_time(made,
                                              static_cast<std::time_t>(now_s + kSelfSignedGoodS)));
    add_names(certificate);
    check(gnutls_x509_crt_set_basic_constraints(made, 0, -1));
    check(gnutls_x509_crt_set_key_usage(made, GNUTLS_KEY_DIGITAL_SIGNATURE));
    check(gnutls_x509_crt_set_key_purpose_oid(made, GNUTLS_KP_TLS_WWW_SERVER, 0));
    check(gnutls_x509_crt_set_key(made, key.get()));
    check(gnutls_x509_crt_sign2(made, made, key.get(), GNUTLS_DIG_SHA256, 0));
    return certificate;
}

std::string take_text(gnutls_datum_t text) {
    std::string copy(reinterpret_cast<const char*>(text.data), text.size);
    gnutls_memset(text.data, 0, text.size);  // it may be a key
    gnutls_free(text.data);
    return copy;
}

std::string pem(const Certificate& certificate) {
    gnutls_datum_t text{};
    check(gnutls_x509_crt_export2(certificate.get(), GNUTLS_X509_FMT_PEM, &text));
    return take_text(text);
}

std::string pem(const Key& key) {
    gnutls_datum_t text{};
    check(gnutls_x509_privkey_export2(key.get(), GNUTLS_X509_FMT_PEM, &text));
    return take_text(text);
}

// The first certificate of a file, if it has one.
std::optional<Certificate> read_certificate(const std::string& path) {
    std::ostringstream read;
    read << std::ifstream(path, std::ios::binary).rdbuf();
    std::string text = read.str();
    const gnutls_datum_t data{reinterpret_cast<unsigned char*>(text.data()),
                              static_cast<unsigned>(text.size())};
    Certificate certificate = empty_certificate();
    if (gnutls_x509_crt_import(certificate.get(), &data, GNUTLS_X509_FMT_PEM) != 0)
        return std::nullopt;
    return certificate;
}

// By its dates: the clock may have been wrong when it was made. Whoever loads what is no
// certificate at all will say so: it is not ours to replace.
bool is_of_no_use(const std::string& path, std::uint64_t now_s) {
    const auto certificate = read_certificate(path);
    const auto now = static_cast<std::time_t>(now_s);
    return certificate && (gnutls_x509_crt_get_expiration_time(certificate->get()) < now ||
                           gnutls_x509_crt_get_activation_time(certificate->get()) > now);
}

}  // namespace

Result<quic::TlsFiles, std::string> keep_self_signed(const DataFolder& folder,
                                                     std::uint64_t now_s) {
    quic::TlsFiles files{folder.file(kCertificateName), folder.file(kKeyName), ""};
    const auto is_there = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
    if (is_there(files.certificate) && is_there(files.key) &&
        !is_of_no_use(files.certificate, now_s))
        return files;
    const Key key = make_key();
    ::unlink(files.certificate.c_str());  // a crash in between leaves no pair that does not fit
    STARLING_CHECK(folder.write(kKeyName, pem(key)));
    STARLING_CHECK(folder.write(kCertificateName, pem(make_certificate(key, now_s))));
    return files;
}

std::string fingerprint(const std::string& certificate_file) {
    const auto certificate = read_certificate(certificate_file);
    if (!certificate) return "";
    std::array<unsigned char, 32> digest{};
    std::size_t size = digest.size();
    check(gnutls_x509_crt_get_fingerprint(certificate->get(), GNUTLS_DIG_SHA256, digest.data(),
                                          &size));
    return fmt::format("{:02X}", fmt::join(digest, ":"));
}

}  // namespace starling
