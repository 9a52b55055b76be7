// What the library tells a connection, and asks of it.
#include <algorithm>
#include <array>

#include "base/assert.h"
#include "transport/quic/connection.h"
#include "transport/quic/library_types.h"

namespace starling::quic {
namespace {

constexpr std::uint8_t kUnexpectedMessage = 10;  // the TLS alert

void random_bytes(void* at, std::size_t size) {
    STARLING_ASSERT(gnutls_rnd(GNUTLS_RND_RANDOM, at, size) == 0);
}

}  // namespace

// What the library calls. `user_data` is the connection, `stream_data` a StreamState or null.
struct QuicConnection::Library {
    static QuicConnection& self(void* user_data) {
        return *static_cast<QuicConnection*>(user_data);
    }

    // Every callback runs inside a visit, so the heap is the one that is entered.
    static WindowHeap& heap(QuicConnection& connection);

    static int client_initial(ngtcp2_conn* library, void* user_data) {
        QuicConnection& connection = self(user_data);
        const ngtcp2_cid* id = ngtcp2_conn_get_dcid(library);
        PacketCrypto& crypto = connection.host_->crypto();
        WindowHeap& window = heap(connection);
        int failure = crypto.install_initial(library, view(*id), window);
        if (failure == 0) failure = crypto.install_retry(library, window);
        if (failure == 0) failure = connection.tls_->feed(library, window, kInitialLevel, {});
        return failure == 0 ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
    }

    static int recv_client_initial(ngtcp2_conn* library, const ngtcp2_cid* id, void* user_data) {
        QuicConnection& connection = self(user_data);
        const int failure =
            connection.host_->crypto().install_initial(library, view(*id), heap(connection));
        return failure == 0 ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
    }

    static int recv_retry(ngtcp2_conn* library, const ngtcp2_pkt_hd* header, void* user_data) {
        return recv_client_initial(library, &header->scid, user_data);
    }

    // Once TLS has gone there is nothing left to say in it.
    static int recv_crypto_data(ngtcp2_conn* library, Level level, std::uint64_t,
                                const std::uint8_t* data, std::size_t size, void* user_data) {
        QuicConnection& connection = self(user_data);
        if (!connection.tls_) {
            ngtcp2_conn_set_tls_alert(library, kUnexpectedMessage);
            return NGTCP2_ERR_CRYPTO;
        }
        return connection.tls_->feed(library, heap(connection), level, view(data, size));
    }

    static int handshake_completed(ngtcp2_conn* library, void* user_data) {
        QuicConnection& connection = self(user_data);
        connection.is_resumed_ = connection.tls_->is_resumed();
        connection.early_outcome_ = connection.tls_->early_outcome();
        connection.phase_ = Phase::Open;
        if (connection.role_ == Role::Client) return 0;
        connection.is_confirmed_ = true;
        return connection.tls_->send_ticket(library) == 0 ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
    }

    // The library has forgotten the streams that were opened early.
    static int early_data_rejected(ngtcp2_conn*, void* user_data) {
        for (StreamState* stream = self(user_data).streams_; stream; stream = stream->next) {
            stream->is_early = true;
            stream->unsent = static_cast<std::uint32_t>(stream->sent.size());
            stream->wants_finish = stream->was_finished;
        }
        return 0;
    }

    static int handshake_confirmed(ngtcp2_conn*, void* user_data) {
        self(user_data).is_confirmed_ = true;
        return 0;
    }

    static int recv_stream_data(ngtcp2_conn*, std::uint32_t flags, std::int64_t, std::uint64_t,
                                const std::uint8_t* data, std::size_t size, void* user_data,
                                void* stream_data) {
        QuicConnection& connection = self(user_data);
        auto* stream = static_cast<StreamState*>(stream_data);
        if (!stream || stream->is_dropped) {  // nobody wants it any more
            connection.credit_ += size;
            return 0;
        }
        stream->received.append(view(data, size));
        if ((flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0) {
            stream->end = StreamEnd::Finished;
            stream->has_ended = true;
        }
        connection.tell(*stream, true, false);
        return 0;
    }

    static int acked_stream_data(ngtcp2_conn*, std::int64_t, std::uint64_t, std::uint64_t size,
                                 void*, void* stream_data) {
        if (auto* stream = static_cast<StreamState*>(stream_data)) stream->sent.acknowledge(size);
        return 0;
    }

    static int stream_open(ngtcp2_conn* library, std::int64_t id, void* user_data) {
        QuicConnection& connection = self(user_data);
        StreamState& stream = connection.add_stream(id);
        ngtcp2_conn_set_stream_user_data(library, id, &stream);
        stream.is_waiting = connection.role_ == Role::Server && (id != 0 || !connection.may_act());
        if (connection.role_ == Role::Client || id == 0) {
            connection.deadline_ = kNeverNs;
            if (!stream.is_waiting) connection.present(stream);
            return 0;
        }
        if (StreamState* first = connection.first_stream()) {
            first->has_opened = true;
            connection.host_->on_stream_news(*first);
        }
        return 0;
    }

    static int stream_close(ngtcp2_conn*, std::uint32_t, std::int64_t, std::uint64_t,
                            void* user_data, void* stream_data) {
        auto* stream = static_cast<StreamState*>(stream_data);
        if (!stream) return 0;
        stream->is_library_done = true;
        stream->is_finished = true;
        stream->sent.clear();
        QuicConnection& connection = self(user_data);
        if (stream->is_dropped) connection.remove(*stream);
        else if (stream->end == StreamEnd::Open) {
            stream->end = StreamEnd::Reset;
            stream->has_ended = true;
            connection.tell(*stream, true, true);
        }
        return 0;
    }

    static int stream_reset(ngtcp2_conn*, std::int64_t, std::uint64_t, std::uint64_t code,
                            void* user_data, void* stream_data) {
        auto* stream = static_cast<StreamState*>(stream_data);
        if (!stream) return 0;
        QuicConnection& connection = self(user_data);
        connection.credit_ += stream->received.size();
        stream->received.clear();
        stream->end = StreamEnd::Reset;
        stream->has_ended = true;
        if (stream->reset_code == 0) stream->reset_code = static_cast<std::uint32_t>(code);
        if (stream->is_waiting && stream->id != 0) connection.refuse(*stream);
        else connection.tell(*stream, true, true);
        return 0;
    }

    static int recv_stateless_reset(ngtcp2_conn*, const ngtcp2_pkt_stateless_reset*,
                                    void* user_data) {
        self(user_data).was_reset_ = true;
        return 0;
    }

    static void rand(std::uint8_t* data, std::size_t size, const ngtcp2_rand_ctx*) {
        random_bytes(data, size);
    }

    static int get_new_connection_id(ngtcp2_conn*, ngtcp2_cid* cid, std::uint8_t* token,
                                     std::size_t, void* user_data) {
        QuicConnection& connection = self(user_data);
        const ConnectionId id = connection.new_id();
        *cid = cid_of(id);
        const ResetToken reset = connection.host_->ids().reset_token(id);
        store_bytes(reinterpret_cast<std::byte*>(token), reset);
        return 0;
    }

    static int update_key(ngtcp2_conn* library, std::uint8_t* receive_secret,
                          std::uint8_t* send_secret, ngtcp2_crypto_aead_ctx* receive_key,
                          std::uint8_t* receive_iv, ngtcp2_crypto_aead_ctx* send_key,
                          std::uint8_t* send_iv, const std::uint8_t* receive_before,
                          const std::uint8_t* send_before, std::size_t size, void* user_data) {
        const ngtcp2_mem& memory = heap(self(user_data)).memory();
        const Cipher cipher = PacketCrypto::cipher_of(*ngtcp2_conn_get_crypto_ctx(library));
        const auto derive = [&](std::uint8_t* secret, ngtcp2_crypto_aead_ctx* key, std::uint8_t* iv,
                                const std::uint8_t* before) {
            const NextKeys next = next_keys(cipher, view(before, size));
            std::copy_n(raw(next.secret.data()), size, secret);
            std::copy_n(raw(next.iv.data()), next.iv.size(), iv);
            key->native_handle = make_handle(next.seal, memory);
            return key->native_handle != nullptr;
        };
        return derive(receive_secret, receive_key, receive_iv, receive_before) &&
                       derive(send_secret, send_key, send_iv, send_before)
                   ? 0
                   : NGTCP2_ERR_CALLBACK_FAILURE;
    }

    static int path_validation(ngtcp2_conn*, std::uint32_t, const ngtcp2_path* path,
                               ngtcp2_path_validation_result result, void* user_data) {
        if (result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS)
            self(user_data).peer_ = CompactAddress(path_from(*path).remote);
        return 0;
    }

    static int dcid_status(ngtcp2_conn*, int type, std::uint64_t, const ngtcp2_cid*,
                           const std::uint8_t* token, void* user_data) {
        if (!token) return 0;
        ResetToken reset;
        store_bytes(reset.data(), view(token, reset.size()));
        QuicConnection& connection = self(user_data);
        connection.host_->on_reset_token(connection, reset,
                                         type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE);
        return 0;
    }

    static int recv_new_token(ngtcp2_conn*, const ngtcp2_vec* token, void* user_data) {
        QuicConnection& connection = self(user_data);
        const Bytes bytes = view(*token);
        if (connection.is_remembered_)
            connection.souvenirs().token.assign(bytes.begin(), bytes.end());
        return 0;
    }

    static void delete_seal(ngtcp2_conn*, ngtcp2_crypto_aead_ctx* key, void* user_data) {
        QuicConnection& connection = self(user_data);
        free_handle(key->native_handle, connection.host_->crypto().ciphers(),
                    heap(connection).memory());
        key->native_handle = nullptr;
    }

    static void delete_mask(ngtcp2_conn*, ngtcp2_crypto_cipher_ctx* key, void* user_data) {
        QuicConnection& connection = self(user_data);
        free_handle(key->native_handle, connection.host_->crypto().ciphers(),
                    heap(connection).memory());
        key->native_handle = nullptr;
    }

    static int get_path_challenge_data(ngtcp2_conn*, std::uint8_t* data, void*) {
        random_bytes(data, NGTCP2_PATH_CHALLENGE_DATALEN);
        return 0;
    }

    // Only with compatible versions, and there is one version.
    static int version_negotiation(ngtcp2_conn*, std::uint32_t, const ngtcp2_cid*, void*) {
        return NGTCP2_ERR_CALLBACK_FAILURE;
    }
};

WindowHeap& QuicConnection::Library::heap(QuicConnection& connection) {
    return connection.host_->windows().entered();
}

ngtcp2_callbacks QuicConnection::callbacks() const {
    ngtcp2_callbacks calls{};
    if (role_ == Role::Client) {
        calls.client_initial = Library::client_initial;
        calls.recv_retry = Library::recv_retry;
        calls.recv_new_token = Library::recv_new_token;
        calls.early_data_rejected = Library::early_data_rejected;
    } else {
        calls.recv_client_initial = Library::recv_client_initial;
    }
    PacketCrypto::set_callbacks(calls);
    calls.recv_crypto_data = Library::recv_crypto_data;
    calls.handshake_completed = Library::handshake_completed;
    calls.handshake_confirmed = Library::handshake_confirmed;
    calls.recv_stream_data = Library::recv_stream_data;
    calls.acked_stream_data_offset = Library::acked_stream_data;
    calls.stream_open = Library::stream_open;
    calls.stream_close = Library::stream_close;
    calls.stream_reset = Library::stream_reset;
    calls.recv_stateless_reset = Library::recv_stateless_reset;
    calls.rand = Library::rand;
    calls.get_new_connection_id = Library::get_new_connection_id;
    calls.update_key = Library::update_key;
    calls.path_validation = Library::path_validation;
    calls.dcid_status = Library::dcid_status;
    calls.delete_crypto_aead_ctx = Library::delete_seal;
    calls.delete_crypto_cipher_ctx = Library::delete_mask;
    calls.get_path_challenge_data = Library::get_path_challenge_data;
    calls.version_negotiation = Library::version_negotiation;
    return calls;
}

}  // namespace starling::quic
