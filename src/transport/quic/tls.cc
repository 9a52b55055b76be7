#include "transport/quic/tls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <iterator>
#include <sys/stat.h>
#include <utility>

#include "base/assert.h"
#include "base/counted.h"
#include "transport/quic/client_credentials.h"
#include "transport/quic/ticket_keys.h"
#include "transport/quic/tls_faults.h"
#include "transport/socket.h"

namespace starling::quic {
namespace {

constexpr const char* kPriority =
    "%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:"
    "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1";

// Bytes of a file, with room for every authority in the world. Beyond: refused.
constexpr std::size_t kFileBytesMax = 1 << 20;

constexpr unsigned kEarlyFlag = GNUTLS_ENABLE_EARLY_DATA;

// Bytes of our transport parameters at most.
constexpr std::size_t kParametersMax = 256;

gnutls_datum_t datum(std::string_view text) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
            static_cast<unsigned>(text.size())};
}

Level level_of(gnutls_record_encryption_level_t level) {
    switch (level) {
        case GNUTLS_ENCRYPTION_LEVEL_INITIAL: return kInitialLevel;
        case GNUTLS_ENCRYPTION_LEVEL_EARLY: return kEarlyLevel;
        case GNUTLS_ENCRYPTION_LEVEL_HANDSHAKE: return kHandshakeLevel;
        case GNUTLS_ENCRYPTION_LEVEL_APPLICATION: break;
    }
    return kApplicationLevel;
}

gnutls_record_encryption_level_t level_of(Level level) {
    if (level == kInitialLevel) return GNUTLS_ENCRYPTION_LEVEL_INITIAL;
    if (level == kEarlyLevel) return GNUTLS_ENCRYPTION_LEVEL_EARLY;
    if (level == kHandshakeLevel) return GNUTLS_ENCRYPTION_LEVEL_HANDSHAKE;
    return GNUTLS_ENCRYPTION_LEVEL_APPLICATION;
}

Cipher cipher_of(gnutls_cipher_algorithm_t algorithm) {
    if (algorithm == GNUTLS_CIPHER_AES_256_GCM) return Cipher::Aes256Gcm;
    if (algorithm == GNUTLS_CIPHER_CHACHA20_POLY1305) return Cipher::ChaCha20Poly1305;
    return Cipher::Aes128Gcm;
}

// A pipe may have nothing to read, for ever.
Result<void, std::string> read_file(const std::string& path, std::string& text) {
    struct stat about {};
    if (::stat(path.c_str(), &about) == 0 && S_ISFIFO(about.st_mode)) return path + ": no file";
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    text.resize(kFileBytesMax);
    if (!file.read(text.data(), kFileBytesMax) && !file.eof())  // a folder opens, and fails here
        return path + ": " + std::strerror(errno);
    if (!file.eof()) return path + ": too large";
    text.resize(static_cast<std::size_t>(file.gcount()));
    return {};
}

// The first certificate is the server's own; those behind it lead to its authority.
Result<void, std::string> check_dates(std::string_view certificate, const std::string& name) {
    gnutls_x509_crt_t first = nullptr;
    STARLING_ASSERT(gnutls_x509_crt_init(&first) == 0);
    const gnutls_datum_t text = datum(certificate);
    const int failure = gnutls_x509_crt_import(first, &text, GNUTLS_X509_FMT_PEM);
    const std::time_t begin = failure == 0 ? gnutls_x509_crt_get_activation_time(first) : 0;
    const std::time_t end = failure == 0 ? gnutls_x509_crt_get_expiration_time(first) : 0;
    gnutls_x509_crt_deinit(first);
    if (failure != 0) return name + ": no PEM certificate: " + gnutls_strerror(failure);
    const std::time_t now = std::time(nullptr);
    if (now > end) return name + ": the certificate has expired";
    if (now < begin) return name + ": the certificate is not valid yet";
    return {};
}

// Who must show a certificate, for this purpose.
const gnutls_typed_vdata_st kOfClients[] = {
    {GNUTLS_DT_KEY_PURPOSE_OID,
     reinterpret_cast<unsigned char*>(const_cast<char*>(GNUTLS_KP_TLS_WWW_CLIENT)), 0}};

}  // namespace

// Owner: any thread; immutable once a context holds it.
class TlsCredentials : public Counted<TlsCredentials> {
public:
    TlsCredentials() {
        STARLING_ASSERT(gnutls_certificate_allocate_credentials(&certificates) == 0);
    }
    ~TlsCredentials() { gnutls_certificate_free_credentials(certificates); }

    gnutls_certificate_credentials_t certificates = nullptr;
    bool wants_certificate = false;           // of clients
    std::array<std::byte, 32> authorities{};  // of those, by their SHA-256
};

namespace {

// The certificate and key of `texts`, which is PEM.
Result<void, std::string> add_identity(TlsCredentials& credentials, const TlsFiles& texts,
                                       const TlsFiles& names) {
    STARLING_CHECK(check_dates(texts.certificate, names.certificate));
    const gnutls_datum_t chain = datum(texts.certificate), secret = datum(texts.key);
    const int failure = gnutls_certificate_set_x509_key_mem2(
        credentials.certificates, &chain, &secret, GNUTLS_X509_FMT_PEM, nullptr, 0);
    if (failure == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return names.key + ": the key does not belong to the certificate";
    if (failure < 0) return names.key + ": the key cannot be used: " + gnutls_strerror(failure);
    return {};
}

Result<void, std::string> add_clients(TlsCredentials& credentials, const TlsFiles& texts,
                                      const TlsFiles& names) {
    if (names.client_authorities.empty()) return {};
    const gnutls_datum_t list = datum(texts.client_authorities);
    if (gnutls_certificate_set_x509_trust_mem(credentials.certificates, &list,
                                              GNUTLS_X509_FMT_PEM) <= 0)
        return names.client_authorities + ": no PEM certificate of an authority";
    credentials.wants_certificate = true;
    STARLING_ASSERT(gnutls_hash_fast(GNUTLS_DIG_SHA256, list.data, list.size,
                                     credentials.authorities.data()) == 0);
    return {};
}

}  // namespace

Result<std::unique_ptr<TlsContext>, std::string> TlsContext::server(const TlsFiles& files,
                                                                    const QuicKeys& keys) {
    std::unique_ptr<TlsContext> context(new TlsContext);
    STARLING_CHECK(context->prepare());
    context->set_keys(keys);
    STARLING_CHECK(context->reload(files));
    return context;
}

Result<std::unique_ptr<TlsContext>, std::string> TlsContext::server_from_pem(
    std::string_view certificate, std::string_view key, const std::string& name,
    const QuicKeys& keys) {
    std::unique_ptr<TlsContext> context(new TlsContext);
    STARLING_CHECK(context->prepare());
    context->set_keys(keys);
    STARLING_CHECK(context->load({.certificate = std::string(certificate), .key = std::string(key)},
                                 {.certificate = name, .key = name}));
    return context;
}

Result<void, std::string> TlsContext::reload(const TlsFiles& files) {
    TlsFiles texts;
    STARLING_CHECK(read_file(files.certificate, texts.certificate));
    STARLING_CHECK(read_file(files.key, texts.key));
    if (!files.client_authorities.empty())
        STARLING_CHECK(read_file(files.client_authorities, texts.client_authorities));
    const auto loaded = load(texts, files);
    gnutls_memset(texts.key.data(), 0, texts.key.size());
    return loaded;
}

Result<void, std::string> TlsContext::load(const TlsFiles& texts, const TlsFiles& names) {
    auto fresh = std::make_unique<TlsCredentials>();
    STARLING_CHECK(add_identity(*fresh, texts, names));
    STARLING_CHECK(add_clients(*fresh, texts, names));
    credentials_.set(Ref<const TlsCredentials>::adopt(fresh.release()));
    return {};
}

Result<std::unique_ptr<TlsContext>, std::string> TlsContext::client(std::string_view authorities,
                                                                    Trust trust) {
    std::unique_ptr<TlsContext> context(new TlsContext);
    STARLING_CHECK(context->prepare());
    context->trust_ = trust;
    auto credentials = std::make_unique<TlsCredentials>();
    if (trust == Trust::Verified) {
        const gnutls_datum_t list = datum(authorities);
        const int found = authorities.empty()
                              ? gnutls_certificate_set_x509_system_trust(credentials->certificates)
                              : gnutls_certificate_set_x509_trust_mem(credentials->certificates,
                                                                      &list, GNUTLS_X509_FMT_PEM);
        if (found <= 0) return std::string("no certificate of an authority to trust");
    }
    context->credentials_.set(Ref<const TlsCredentials>::adopt(credentials.release()));
    return context;
}

TlsContext::TlsContext() = default;

Result<std::unique_ptr<TlsContext>, std::string> TlsContext::client(const ClientTrust& trust) {
    std::unique_ptr<TlsContext> context(new TlsContext);
    STARLING_CHECK(context->prepare());
    context->trust_ = trust.is_anybody_trusted ? Trust::Anybody : Trust::Verified;
    auto credentials = std::make_unique<TlsCredentials>();
    STARLING_CHECK(quic::load(trust, credentials->certificates));
    context->credentials_.set(Ref<const TlsCredentials>::adopt(credentials.release()));
    return context;
}

TlsContext::~TlsContext() {
    if (priority_) gnutls_priority_deinit(priority_);
}

Result<void, std::string> TlsContext::prepare() {
    const char* wrong = nullptr;
    if (gnutls_priority_init(&priority_, kPriority, &wrong) != 0)
        return std::string("this GnuTLS does not know ") + wrong;
    return {};
}

std::unique_ptr<TlsSession> TlsSession::server(const TlsContext& context, PacketCrypto& crypto,
                                               const Terms& terms) {
    constexpr unsigned kFlags =
        GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA;
    const unsigned early = terms.gate ? kEarlyFlag : 0;
    std::unique_ptr<TlsSession> tls(new TlsSession(context, crypto, kFlags | early));
    if (terms.gate) {
        terms.gate->guard(tls->session_);
        gnutls_record_set_max_early_data_size(tls->session_, kEarlyDataOfQuic);
    }
    tls->keys_ = context.keys_.get();
    tls->limits_.assign(terms.limits.begin(), terms.limits.end());
    if (terms.gate) tls->ticket_lifetime_s_ = terms.gate->ticket_lifetime_s();
    gnutls_handshake_set_hook_function(tls->session_, GNUTLS_HANDSHAKE_CLIENT_HELLO,
                                       GNUTLS_HOOK_PRE, on_client_hello);
    if (tls->credentials_->wants_certificate) {
        gnutls_certificate_server_set_request(tls->session_, GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_cert2(tls->session_,
                                        const_cast<gnutls_typed_vdata_st*>(kOfClients),
                                        std::size(kOfClients), 0);
    }
    std::array<gnutls_datum_t, std::size(kProtocols)> protocols;
    std::ranges::transform(kProtocols, protocols.begin(), datum);
    gnutls_alpn_set_protocols(tls->session_, protocols.data(), protocols.size(),
                              GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE);
    return tls;
}

std::unique_ptr<TlsSession> TlsSession::client(const TlsContext& context, PacketCrypto& crypto,
                                               const Wish& wish) {
    constexpr unsigned kFlags = GNUTLS_CLIENT | GNUTLS_NO_END_OF_EARLY_DATA;
    const unsigned early = wish.asks_early ? kEarlyFlag : 0;
    std::unique_ptr<TlsSession> tls(new TlsSession(context, crypto, kFlags | early));
    tls->asks_early_ = wish.asks_early;
    tls->host_ = wish.host;  // GnuTLS keeps a pointer to it
    // An address is no server name (RFC 6066, section 3).
    if (!SocketAddress::parse(wish.host, 0))
        gnutls_server_name_set(tls->session_, GNUTLS_NAME_DNS, wish.host.data(), wish.host.size());
    if (context.trust_ == TlsContext::Trust::Verified)
        gnutls_session_set_verify_cert(tls->session_, tls->host_.c_str(), 0);
    const gnutls_datum_t wanted = datum(wish.protocol);
    gnutls_alpn_set_protocols(tls->session_, &wanted, 1, GNUTLS_ALPN_MANDATORY);
    // A ticket that is no good costs a full handshake, nothing else.
    if (!wish.ticket.empty())
        gnutls_session_set_data(tls->session_, wish.ticket.data(), wish.ticket.size());
    gnutls_handshake_set_hook_function(tls->session_, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET,
                                       GNUTLS_HOOK_PRE, on_ticket);
    return tls;
}

TlsSession::TlsSession(const TlsContext& context, PacketCrypto& crypto, unsigned flags)
    : credentials_(context.credentials_.get()),
      crypto_(crypto) {
    STARLING_ASSERT(gnutls_init(&session_, flags) == 0);
    gnutls_session_set_ptr(session_, this);
    gnutls_priority_set(session_, context.priority_);
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_->certificates);
    gnutls_handshake_set_secret_function(session_, on_secret);
    gnutls_handshake_set_read_function(session_, on_message);
    gnutls_alert_set_read_function(session_, on_alert);
    gnutls_session_ext_register(
        session_, "QUIC transport parameters", NGTCP2_TLSEXT_QUIC_TRANSPORT_PARAMETERS_V1,
        GNUTLS_EXT_TLS, on_parameters, put_parameters, nullptr, nullptr, nullptr,
        GNUTLS_EXT_FLAG_TLS | GNUTLS_EXT_FLAG_CLIENT_HELLO | GNUTLS_EXT_FLAG_EE);
}

TlsSession::~TlsSession() { gnutls_deinit(session_); }

int TlsSession::feed(ngtcp2_conn* connection, WindowHeap& heap, Level level, Bytes bytes) {
    work_ = {connection, &heap};
    int failure = 0;
    if (!bytes.empty())
        failure = gnutls_handshake_write(session_, level_of(level), bytes.data(), bytes.size());
    const int answer = failure != 0 ? failed(failure) : advance();
    work_ = {};
    return answer;
}

int TlsSession::advance() {
    if (ngtcp2_conn_get_handshake_completed(work_.connection)) return 0;
    const int failure = gnutls_handshake(session_);
    return failure == 0 ? complete() : failed(failure);
}

// GnuTLS lets a peer pass that names no protocol at all; QUIC does not (RFC 9001, section 8.1).
int TlsSession::complete() {
    if (protocol().empty()) {
        ngtcp2_conn_set_tls_alert(work_.connection, GNUTLS_A_NO_APPLICATION_PROTOCOL);
        return NGTCP2_ERR_CRYPTO;
    }
    if (ngtcp2_conn_is_server(work_.connection) == 0 && early_outcome() == EarlyOutcome::Refused &&
        ngtcp2_conn_early_data_rejected(work_.connection) != 0)
        return NGTCP2_ERR_CRYPTO;
    tls_completed(work_.connection);
    return 0;
}

int TlsSession::failed(int code) {
    if (gnutls_error_is_fatal(code) == 0) return 0;
    gnutls_alert_send_appropriate(session_, code);  // comes back as on_alert()
    const int told = ngtcp2_conn_get_tls_error(work_.connection);
    return told != 0 ? told : NGTCP2_ERR_CRYPTO;
}

int TlsSession::send_ticket(ngtcp2_conn* connection) {
    const Work outer = work_;  // the handshake has just told of its end, or nobody is working
    work_ = {connection, nullptr};
    const int failure = gnutls_session_ticket_send(session_, 1, 0);
    work_ = outer;
    return failure == 0 ? 0 : NGTCP2_ERR_INTERNAL;
}

EarlyOutcome TlsSession::early_outcome() const {
    if (!asks_early_) return EarlyOutcome::None;
    const bool is_accepted = (gnutls_session_get_flags(session_) & GNUTLS_SFLAGS_EARLY_DATA) != 0;
    return is_accepted ? EarlyOutcome::Accepted : EarlyOutcome::Refused;
}

int TlsSession::fault(std::uint8_t alert) const {
    const int known = fault_of_verification(gnutls_session_get_verify_cert_status(session_));
    return known != 0 ? known : fault_of_alert(alert);
}

std::string_view TlsSession::protocol() const {
    gnutls_datum_t name{};
    if (gnutls_alpn_get_selected_protocol(session_, &name) != 0) return {};
    return {reinterpret_cast<const char*>(name.data), name.size};
}

bool TlsSession::has_ticket() const {
    return (gnutls_session_get_flags(session_) & GNUTLS_SFLAGS_SESSION_TICKET) != 0;
}

ByteVector TlsSession::ticket() const {
    gnutls_datum_t data{};
    if (gnutls_session_get_data2(session_, &data) != 0) return {};
    const auto* begin = reinterpret_cast<const std::byte*>(data.data);
    ByteVector copy(begin, begin + data.size);
    gnutls_free(data.data);
    return copy;
}

Cipher TlsSession::cipher(Level level) const {
    return cipher_of(level == kEarlyLevel ? gnutls_early_cipher_get(session_)
                                          : gnutls_cipher_get(session_));
}

TlsSession& TlsSession::of(gnutls_session_t session) {
    return *static_cast<TlsSession*>(gnutls_session_get_ptr(session));
}

// Early data is meant for the protocol that the ticket was given for, which GnuTLS does not look at
// (RFC 8446, section 4.2.10).
void TlsSession::begin(const ClientHello& hello) {
    asks_early_ = hello.asks_early;
    const auto agreed = std::ranges::find_if(
        kProtocols, [&](std::string_view protocol) { return hello.offers(protocol); });
    if (agreed == std::end(kProtocols)) return;  // the handshake will fail
    const TicketTerms terms{
        .limits = limits_,
        .authorities = credentials_->wants_certificate ? Bytes(credentials_->authorities) : Bytes(),
        .protocol = *agreed,
        .lifetime_s = ticket_lifetime_s_};
    const auto now_s = static_cast<std::uint64_t>(std::time(nullptr));
    const TicketKey secret = ticket_key(keys_->keys, terms, hello.ticket, now_s);
    const gnutls_datum_t key = datum(as_text(secret));
    STARLING_ASSERT(gnutls_session_ticket_enable_server(session_, &key) == 0);
}

// A second one, after a request to try again, has the same protocols and no early data.
int TlsSession::on_client_hello(gnutls_session_t session, unsigned, unsigned, unsigned,
                                const gnutls_datum_t* body) {
    TlsSession& tls = of(session);
    if (!std::exchange(tls.has_begun_, true)) tls.begin(read_client_hello(*body));
    return 0;
}

int TlsSession::on_ticket(gnutls_session_t session, unsigned, unsigned, unsigned,
                          const gnutls_datum_t* body) {
    of(session).permits_early_ = permits_early_data(*body);
    return 0;
}

int TlsSession::on_secret(gnutls_session_t session, gnutls_record_encryption_level_t level,
                          const void* receive, const void* send, std::size_t size) {
    using Direction = PacketCrypto::Direction;
    TlsSession& tls = of(session);
    const Level at = level_of(level);
    const auto install = [&](Direction direction, const void* secret) {
        if (!secret) return 0;
        const Bytes bytes(static_cast<const std::byte*>(secret), size);
        return tls.crypto_.install(tls.work_.connection, at, direction, tls.cipher(at), bytes,
                                   *tls.work_.heap);
    };
    int failure = install(Direction::Receive, receive);
    if (failure == 0) failure = install(Direction::Send, send);
    if (failure != 0) ngtcp2_conn_set_tls_error(tls.work_.connection, failure);
    return failure == 0 ? 0 : -1;
}

int TlsSession::on_message(gnutls_session_t session, gnutls_record_encryption_level_t level,
                           gnutls_handshake_description_t type, const void* data,
                           std::size_t size) {
    if (type == GNUTLS_HANDSHAKE_CHANGE_CIPHER_SPEC) return 0;
    ngtcp2_conn* connection = of(session).work_.connection;
    const int failure = ngtcp2_conn_submit_crypto_data(
        connection, level_of(level), static_cast<const std::uint8_t*>(data), size);
    if (failure != 0) ngtcp2_conn_set_tls_error(connection, failure);
    return failure == 0 ? 0 : -1;
}

int TlsSession::on_alert(gnutls_session_t session, gnutls_record_encryption_level_t,
                         gnutls_alert_level_t, gnutls_alert_description_t alert) {
    ngtcp2_conn_set_tls_alert(of(session).work_.connection, static_cast<std::uint8_t>(alert));
    return 0;
}

int TlsSession::on_parameters(gnutls_session_t session, const unsigned char* data,
                              std::size_t size) {
    ngtcp2_conn* connection = of(session).work_.connection;
    const int failure = decode_parameters(connection, data, size);
    if (failure != 0) ngtcp2_conn_set_tls_error(connection, failure);
    return failure == 0 ? 0 : -1;
}

int TlsSession::put_parameters(gnutls_session_t session, gnutls_buffer_t buffer) {
    std::array<std::uint8_t, kParametersMax> parameters;
    const ngtcp2_ssize size = ngtcp2_conn_encode_local_transport_params(
        of(session).work_.connection, parameters.data(), parameters.size());
    if (size < 0) return -1;
    return gnutls_buffer_append_data(buffer, parameters.data(), static_cast<std::size_t>(size));
}

}  // namespace starling::quic
