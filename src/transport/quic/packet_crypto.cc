#include "transport/quic/packet_crypto.h"

#include <algorithm>
#include <new>

#include "transport/quic/library_types.h"

namespace starling::quic {
namespace {

// RFC 9001, section 6.6: packets that a key may seal, and forgeries that it may meet.
constexpr std::uint64_t kAesSeals = std::uint64_t{1} << 23;
constexpr std::uint64_t kAesForgeries = std::uint64_t{1} << 52;
constexpr std::uint64_t kChaChaSeals = std::uint64_t{1} << 62;
constexpr std::uint64_t kChaChaForgeries = std::uint64_t{1} << 36;

std::byte* bytes(std::uint8_t* data) { return reinterpret_cast<std::byte*>(data); }

const RawKey& key_of(void* handle) { return *static_cast<const RawKey*>(handle); }

const CipherNames::Name& name_of(void* handle) {
    return *static_cast<const CipherNames::Name*>(handle);
}

// The handles of one direction. What the library did not take over is given back.
class Handles {
public:
    Handles(const PacketKeys& keys, PacketCiphers& ciphers, const ngtcp2_mem& memory)
        : ciphers_(ciphers),
          memory_(memory) {
        seal.native_handle = make_handle(keys.seal, memory);
        mask.native_handle = make_handle(keys.mask, memory);
    }
    Handles(const Handles&) = delete;
    Handles& operator=(const Handles&) = delete;
    ~Handles() {
        free_handle(seal.native_handle, ciphers_, memory_);
        free_handle(mask.native_handle, ciphers_, memory_);
    }

    bool are_made() const { return seal.native_handle && mask.native_handle; }
    void forget() { seal.native_handle = mask.native_handle = nullptr; }

    ngtcp2_crypto_aead_ctx seal{};
    ngtcp2_crypto_cipher_ctx mask{};

private:
    PacketCiphers& ciphers_;
    const ngtcp2_mem& memory_;
};

}  // namespace

RawKey* make_handle(const RawKey& key, const ngtcp2_mem& memory) {
    void* place = memory.malloc(sizeof(RawKey), memory.user_data);
    return place ? new (place) RawKey(key) : nullptr;
}

void free_handle(void* handle, PacketCiphers& ciphers, const ngtcp2_mem& memory) {
    if (!handle) return;
    ciphers.forget(key_of(handle));
    gnutls_memset(handle, 0, sizeof(RawKey));
    memory.free(handle, memory.user_data);
}

PacketCrypto::PacketCrypto(std::size_t live_ciphers) : ciphers_(live_ciphers), names_(*this) {}

void PacketCrypto::set_callbacks(ngtcp2_callbacks& callbacks) {
    callbacks.encrypt = seal;
    callbacks.decrypt = open;
    callbacks.hp_mask = mask;
}

ngtcp2_crypto_ctx PacketCrypto::context(Cipher cipher, CipherNames& names) {
    const bool is_aes = cipher != Cipher::ChaCha20Poly1305;
    CipherNames::Name* name = &names.names[static_cast<std::size_t>(cipher)];
    ngtcp2_crypto_ctx context{};
    context.aead = {.native_handle = name, .max_overhead = kTagBytes};
    context.hp.native_handle = name;
    context.max_encryption = is_aes ? kAesSeals : kChaChaSeals;
    context.max_decryption_failure = is_aes ? kAesForgeries : kChaChaForgeries;
    return context;
}

Cipher PacketCrypto::cipher_of(const ngtcp2_crypto_ctx& context) {
    return name_of(context.aead.native_handle).cipher;
}

int PacketCrypto::install_initial(ngtcp2_conn* connection, Bytes first_id, WindowHeap& heap) {
    constexpr Cipher kCipher = Cipher::Aes128Gcm;
    const auto secrets = initial_secrets(first_id);
    const PacketKeys client = derive_keys(kCipher, Bytes(secrets.client).first(32));
    const PacketKeys server = derive_keys(kCipher, Bytes(secrets.server).first(32));
    const bool is_server = ngtcp2_conn_is_server(connection) != 0;
    const PacketKeys& receive = is_server ? client : server;
    const PacketKeys& send = is_server ? server : client;

    Handles receiving(receive, ciphers_, heap.memory()), sending(send, ciphers_, heap.memory());
    if (!receiving.are_made() || !sending.are_made()) return NGTCP2_ERR_NOMEM;
    const ngtcp2_crypto_ctx crypto = context(kCipher, heap.ciphers);
    ngtcp2_conn_set_initial_crypto_ctx(connection, &crypto);
    const int failure = ngtcp2_conn_install_initial_key(
        connection, &receiving.seal, raw(receive.iv.data()), &receiving.mask, &sending.seal,
        raw(send.iv.data()), &sending.mask, kNonceBytes);
    if (failure == 0) {
        receiving.forget();
        sending.forget();
    }
    return failure;
}

int PacketCrypto::install_retry(ngtcp2_conn* connection, WindowHeap& heap) {
    const ngtcp2_crypto_aead_ctx key{make_handle(retry_key(), heap.memory())};
    if (!key.native_handle) return NGTCP2_ERR_NOMEM;
    const ngtcp2_crypto_ctx crypto = context(Cipher::Aes128Gcm, heap.ciphers);
    ngtcp2_conn_set_retry_aead(connection, &crypto.aead, &key);
    return 0;
}

int PacketCrypto::install(ngtcp2_conn* connection, Level level, Direction direction, Cipher cipher,
                          Bytes secret, WindowHeap& heap) {
    const PacketKeys keys = derive_keys(cipher, secret);
    Handles handles(keys, ciphers_, heap.memory());
    if (!handles.are_made()) return NGTCP2_ERR_NOMEM;

    const bool receives = direction == Direction::Receive;
    const std::uint8_t* iv = raw(keys.iv.data());
    const ngtcp2_crypto_ctx crypto = context(cipher, heap.ciphers);
    int failure = NGTCP2_ERR_INVALID_ARGUMENT;
    if (level == kEarlyLevel) {
        ngtcp2_conn_set_early_crypto_ctx(connection, &crypto);
        failure = ngtcp2_conn_install_early_key(connection, &handles.seal, iv, kNonceBytes,
                                                &handles.mask);
    } else {
        ngtcp2_conn_set_crypto_ctx(connection, &crypto);
        if (level == kHandshakeLevel)
            failure = (receives ? ngtcp2_conn_install_rx_handshake_key
                                : ngtcp2_conn_install_tx_handshake_key)(
                connection, &handles.seal, iv, kNonceBytes, &handles.mask);
        else if (level == kApplicationLevel)
            failure = (receives ? ngtcp2_conn_install_rx_key : ngtcp2_conn_install_tx_key)(
                connection, raw(secret.data()), secret.size(), &handles.seal, iv, kNonceBytes,
                &handles.mask);
    }
    if (failure == 0) handles.forget();
    return failure;
}

ngtcp2_ssize PacketCrypto::write_retry(MutableBytes out, const ngtcp2_pkt_hd& initial,
                                       const ngtcp2_cid& our_id, Bytes token) {
    RawKey key = retry_key();
    const ngtcp2_crypto_aead_ctx handle{&key};
    const ngtcp2_crypto_ctx crypto = context(Cipher::Aes128Gcm, names_);
    return ngtcp2_pkt_write_retry(raw(out.data()), out.size(), initial.version, &initial.scid,
                                  &our_id, &initial.dcid, raw(token.data()), token.size(), seal,
                                  &crypto.aead, &handle);
}

ngtcp2_ssize PacketCrypto::write_refusal(MutableBytes out, const ngtcp2_pkt_hd& initial,
                                         std::uint64_t code) {
    const auto secrets = initial_secrets(view(initial.dcid));
    PacketKeys keys = derive_keys(Cipher::Aes128Gcm, Bytes(secrets.server).first(32));
    const ngtcp2_crypto_aead_ctx sealing{&keys.seal};
    const ngtcp2_crypto_cipher_ctx masking{&keys.mask};
    const ngtcp2_crypto_ctx crypto = context(Cipher::Aes128Gcm, names_);
    const ngtcp2_ssize size = ngtcp2_pkt_write_connection_close(
        raw(out.data()), out.size(), initial.version, &initial.scid, &initial.dcid, code, nullptr,
        0, seal, &crypto.aead, &sealing, raw(keys.iv.data()), mask, &crypto.hp, &masking);
    ciphers_.forget(keys.seal);
    ciphers_.forget(keys.mask);
    return size;
}

// The library has one buffer. When it takes a larger one, the old is freed, and cleared with that.
// Also what cannot be opened: the library may have freed the buffer before, which then is not ours.
void PacketCrypto::note_opened(std::byte* out, std::size_t size) {
    const bool is_same = opened_.data() == out;
    opened_ = {out, is_same ? std::max(opened_.size(), size) : size};
}

void PacketCrypto::wipe_opened() {
    if (!opened_.empty()) gnutls_memset(opened_.data(), 0, opened_.size());
    opened_ = {};
}

int PacketCrypto::seal(std::uint8_t* out, const ngtcp2_crypto_aead* aead,
                       const ngtcp2_crypto_aead_ctx* key, const std::uint8_t* text,
                       std::size_t text_size, const std::uint8_t* nonce, std::size_t nonce_size,
                       const std::uint8_t* header, std::size_t header_size) {
    PacketCiphers& ciphers = name_of(aead->native_handle).crypto->ciphers_;
    const bool done = ciphers.seal(key_of(key->native_handle), view(nonce, nonce_size),
                                   view(header, header_size), view(text, text_size), bytes(out));
    return done ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

int PacketCrypto::open(std::uint8_t* out, const ngtcp2_crypto_aead* aead,
                       const ngtcp2_crypto_aead_ctx* key, const std::uint8_t* sealed,
                       std::size_t sealed_size, const std::uint8_t* nonce, std::size_t nonce_size,
                       const std::uint8_t* header, std::size_t header_size) {
    PacketCrypto& crypto = *name_of(aead->native_handle).crypto;
    crypto.note_opened(bytes(out), sealed_size);
    const bool done =
        crypto.ciphers_.open(key_of(key->native_handle), view(nonce, nonce_size),
                             view(header, header_size), view(sealed, sealed_size), bytes(out));
    return done ? 0 : NGTCP2_ERR_DECRYPT;
}

int PacketCrypto::mask(std::uint8_t* out, const ngtcp2_crypto_cipher* cipher,
                       const ngtcp2_crypto_cipher_ctx* key, const std::uint8_t* sample) {
    PacketCiphers& ciphers = name_of(cipher->native_handle).crypto->ciphers_;
    const bool done =
        ciphers.mask(key_of(key->native_handle), view(sample, NGTCP2_HP_SAMPLELEN), bytes(out));
    return done ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

}  // namespace starling::quic
