#include "transport/quic/client.h"

#include <cstring>
#include <utility>

namespace starling::quic {
namespace {

std::uint64_t token_key(const std::byte* token) {
    std::uint64_t key;
    std::memcpy(&key, token, sizeof key);
    return key;
}

}  // namespace

QuicClients::~QuicClients() { destroy_all(); }

Result<Handle> QuicClients::connect(const Call& call) {
    const Handle handle =
        add(std::make_unique<QuicConnection>(*this, QuicConnection::Role::Client));
    const auto begun = find(handle)->connect({.self = handle,
                                              .path = call.path,
                                              .tls = tls_,
                                              .server_name = call.server_name,
                                              .protocol = call.protocol,
                                              .ticket = call.ticket,
                                              .token = call.token,
                                              .limits = call.limits,
                                              .is_remembered = call.is_remembered});
    if (begun) return handle;
    seats_.erase(handle);  // nobody has heard of it
    return begun.error();
}

void QuicClients::on_handshake_done(QuicConnection& connection) {
    counters_.add(QuicCount::Handshakes);
    if (connection.is_resumed()) counters_.add(QuicCount::Resumptions);
    count_early(connection);
}

// A server has no credit to open any, so this one ends with its connection.
void QuicClients::on_stream_opened(StreamState& stream) { stream.is_dropped = true; }

void QuicClients::on_reset_token(QuicConnection& connection, const ResetToken& token,
                                 bool is_good) {
    const std::uint64_t key = token_key(token.data());
    if (!is_good && key != connection.table_key) return;
    forget_token(connection);
    if (!is_good) return;
    connection.table_key = key;
    reset_tokens_[key] = connection.self();
}

void QuicClients::receive_unknown(const Datagram& datagram, const ngtcp2_version_cid&) {
    const Bytes bytes = datagram.bytes;
    if (bytes.size() >= kResetTokenBytes) {
        const auto found = reset_tokens_.find(token_key(bytes.last(kResetTokenBytes).data()));
        QuicConnection* connection = found == reset_tokens_.end() ? nullptr : find(found->second);
        if (connection) return connection->receive(datagram);
    }
    counters_.add(QuicCount::Malformed);
}

void QuicClients::on_ended(QuicConnection& connection) {
    forget_token(connection);
    if (on_leave) on_leave(connection);
}

void QuicClients::forget_token(QuicConnection& connection) {
    reset_tokens_.erase(std::exchange(connection.table_key, 0));
}

}  // namespace starling::quic
