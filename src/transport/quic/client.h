// A core's QUIC clients, behind one address.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "transport/quic/endpoint.h"

namespace starling::quic {

// Opens connections. Any number of them share a socket: their ids tell them apart, and a stateless
// reset, which carries none, is found by its token.
// Owner: one core.
class QuicClients final : public QuicEndpoint {
public:
    explicit QuicClients(const Setup& setup) : QuicEndpoint(setup) {}
    ~QuicClients() override;

    // Told of each connection before it is destroyed. Set before the first.
    std::function<void(QuicConnection&)> on_leave;

    struct Call {
        Path path;
        std::string server_name;
        std::string_view protocol = kProtocols[0];
        Bytes ticket;               // of an earlier connection, or empty
        Bytes token;                // likewise
        Bytes limits{};             // of early data, which is sent then; or empty
        bool is_remembered = true;  // keeps what its next one may begin with
    };
    // Fails only for want of memory; whether the server answers shows later.
    Result<Handle> connect(const Call& call);

    void on_handshake_done(QuicConnection& connection) override;
    void on_let_in(QuicConnection&) override {}
    void on_stream_opened(StreamState& stream) override;
    void on_reset_token(QuicConnection& connection, const ResetToken& token, bool is_good) override;

private:
    void receive_unknown(const Datagram& datagram, const ngtcp2_version_cid& header) override;
    void receive_for_moved(Handle, const Datagram&) override {}  // none does
    void on_ended(QuicConnection& connection) override;
    void forget_token(QuicConnection& connection);

    // By the first bytes of the token that each connection could be reset with at present; the
    // library compares all of it.
    std::unordered_map<std::uint64_t, Handle> reset_tokens_;
};

}  // namespace starling::quic
