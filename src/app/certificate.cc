#include "app/certificate.h"

#include "transport/quic/tls.h"

namespace starling {

Result<std::optional<quic::TlsFiles>, std::string> named_certificate(const Settings& settings) {
    const quic::TlsFiles& files = settings.options().quic_files;
    if (!files.certificate.empty() && !files.key.empty()) return std::optional(files);
    if (!files.certificate.empty()) return std::string("quic.certificate is set, quic.key is not");
    if (!files.key.empty()) return std::string("quic.key is set, quic.certificate is not");
    const bool is_configured = settings.has_file() || !settings.is_default("listen");
    if (!is_configured) return std::optional<quic::TlsFiles>();
    return std::string(
        "to listen on QUIC takes a certificate: set quic.certificate and quic.key, or leave "
        "quic:// "
        "out of listen. Only without any configuration does the broker make one of its own");
}

Result<void, std::string> check_certificate(const Settings& settings) {
    if (!settings.options().has_quic()) return {};
    STARLING_TRY(files, named_certificate(settings));
    if (!files) return {};
    const quic::QuicKeys keys = quic::QuicKeys::random();
    const auto context = quic::TlsContext::server(*files, keys);
    if (!context) return context.error();
    return {};
}

}  // namespace starling
