// The TLS 1.3 handshake of a QUIC connection, by GnuTLS.
#pragma once

#include <cstdint>
#include <gnutls/gnutls.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/replaceable.h"
#include "base/result.h"
#include "transport/quic/client_trust.h"
#include "transport/quic/early_data_gate.h"
#include "transport/quic/options.h"
#include "transport/quic/packet_crypto.h"
#include "transport/quic/quic_keys.h"
#include "transport/quic/tls_messages.h"

namespace starling::quic {

// Application protocols that MQTT over QUIC is known by, the preferred first.
inline constexpr std::string_view kProtocols[] = {"mqtt", "mqttv5"};

// One certificate with its key, or whom to trust. Only tls.cc looks inside.
class TlsCredentials;

// What all sessions of one role have in common.
// Owner: any thread; outlives its sessions.
class TlsContext {
public:
    // The error says which file is missing, unreadable, expired, not valid yet, or does not fit the
    // other.
    static Result<std::unique_ptr<TlsContext>, std::string> server(const TlsFiles& files,
                                                                   const QuicKeys& keys);

    // The same from memory; `name` stands for the files in errors.
    static Result<std::unique_ptr<TlsContext>, std::string> server_from_pem(
        std::string_view certificate, std::string_view key, const std::string& name,
        const QuicKeys& keys);

    // A server reads its files anew: for the handshakes that begin from now on. After an error
    // nothing has changed.
    Result<void, std::string> reload(const TlsFiles& files);

    // Handshakes of a server that begin from now on know these keys. Any thread.
    void set_keys(const QuicKeys& keys) { keys_.set(make_counted<SharedKeys>(keys)); }

    // Whom a client trusts: authorities as PEM, or those of the system when it is empty.
    enum class Trust : std::uint8_t { Verified, Anybody };
    static Result<std::unique_ptr<TlsContext>, std::string> client(std::string_view authorities,
                                                                   Trust trust);

    // The same as its user says it, in files. The error names the file.
    static Result<std::unique_ptr<TlsContext>, std::string> client(const ClientTrust& trust);

    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

private:
    friend class TlsSession;
    TlsContext();
    Result<void, std::string> prepare();
    Result<void, std::string> load(const TlsFiles& texts, const TlsFiles& names);

    Replaceable<const TlsCredentials> credentials_;
    gnutls_priority_t priority_ = nullptr;
    Replaceable<const SharedKeys> keys_;  // a server's
    Trust trust_ = Trust::Verified;
};

// What becomes of what a client says early.
enum class EarlyOutcome : std::uint8_t { None, Accepted, Refused };

// One handshake. It costs 10 KB and goes when it is done; packets need the keys only.
//
// Everything it finds out it tells the library in the same call, whose connection it is given each
// time: it keeps no pointer to it.
// Owner: its connection.
class TlsSession {
public:
    // What becomes of early data: `gate` lets it in, or null. A server's tickets are good only
    // where its `limits` (early_limits.h) are the same.
    struct Terms {
        EarlyDataGate* gate;
        Bytes limits;
    };
    static std::unique_ptr<TlsSession> server(const TlsContext& context, PacketCrypto& crypto,
                                              const Terms& terms);

    // `ticket` is what ticket() answered after an earlier connection, or empty.
    struct Wish {
        const std::string& host;
        std::string_view protocol;
        Bytes ticket;
        bool asks_early;  // sends early data, if the ticket is still good for it
    };
    static std::unique_ptr<TlsSession> client(const TlsContext& context, PacketCrypto& crypto,
                                              const Wish& wish);
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;
    ~TlsSession();

    // Takes handshake bytes of the peer; a client begins with none. Answers 0 or an error of the
    // library, which then knows the alert.
    int feed(ngtcp2_conn* connection, WindowHeap& heap, Level level, Bytes bytes);

    // Sends the client what it resumes with.
    int send_ticket(ngtcp2_conn* connection);

    bool is_resumed() const { return gnutls_session_is_resumed(session_) != 0; }

    // What became of the client's early data. REQUIRES: the handshake is complete.
    EarlyOutcome early_outcome() const;

    // Why it failed, as a stream's error code. `alert` is what the peer was told.
    int fault(std::uint8_t alert) const;

    // The application protocol agreed on.
    std::string_view protocol() const;

    // A client's: whether a ticket has come, and what to give the next session.
    bool has_ticket() const;
    ByteVector ticket() const;

    // Whether the next session may ask for early data with it.
    bool permits_early() const { return permits_early_; }

private:
    // What the handshake works on during a call.
    struct Work {
        ngtcp2_conn* connection;
        WindowHeap* heap;
    };

    TlsSession(const TlsContext& context, PacketCrypto& crypto, unsigned flags);
    int advance();
    int complete();
    int failed(int code);
    void begin(const ClientHello& hello);
    Cipher cipher(Level level) const;

    static TlsSession& of(gnutls_session_t session);
    static int on_client_hello(gnutls_session_t session, unsigned type, unsigned when,
                               unsigned incoming, const gnutls_datum_t* body);
    static int on_ticket(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                         const gnutls_datum_t* body);
    static int on_secret(gnutls_session_t session, gnutls_record_encryption_level_t level,
                         const void* receive, const void* send, std::size_t size);
    static int on_message(gnutls_session_t session, gnutls_record_encryption_level_t level,
                          gnutls_handshake_description_t type, const void* data, std::size_t size);
    static int on_alert(gnutls_session_t session, gnutls_record_encryption_level_t level,
                        gnutls_alert_level_t severity, gnutls_alert_description_t alert);
    static int on_parameters(gnutls_session_t session, const unsigned char* data, std::size_t size);
    static int put_parameters(gnutls_session_t session, gnutls_buffer_t buffer);

    gnutls_session_t session_ = nullptr;
    const Ref<const TlsCredentials> credentials_;  // GnuTLS keeps a pointer to them
    PacketCrypto& crypto_;
    std::string host_;            // that a client wants
    Ref<const SharedKeys> keys_;  // of a server, as the next two
    ByteVector limits_;
    std::uint32_t ticket_lifetime_s_ = gnutls_db_get_default_cache_expiration();
    bool has_begun_ = false;  // a server has heard of its client
    bool asks_early_ = false;
    bool permits_early_ = false;
    Work work_{};
};

}  // namespace starling::quic
