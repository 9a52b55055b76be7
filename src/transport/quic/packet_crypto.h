// Our ciphers as the QUIC library calls them.
#pragma once

#include <cstdint>

#include "transport/quic/ngtcp2.h"
#include "transport/quic/packet_ciphers.h"
#include "transport/quic/window_heap.h"

namespace starling::quic {

// Packet protection for all connections of a core. The library's handles are raw keys in the
// connection's own memory, and so are the names of its ciphers, which lead here: neither needs the
// TLS session, and both survive parking and a move to another core.
// Owner: one core; outlives its connections.
class PacketCrypto {
public:
    explicit PacketCrypto(std::size_t live_ciphers);
    PacketCrypto(const PacketCrypto&) = delete;
    PacketCrypto& operator=(const PacketCrypto&) = delete;

    PacketCiphers& ciphers() { return ciphers_; }

    // Sets what concerns keys; the rest is the connection's.
    static void set_callbacks(ngtcp2_callbacks& callbacks);

    // Installs the keys of Initial packets; a client also those that check a Retry.
    // Answers 0 or an error of the library, as do the others.
    int install_initial(ngtcp2_conn* connection, Bytes first_id, WindowHeap& heap);
    int install_retry(ngtcp2_conn* connection, WindowHeap& heap);

    enum class Direction : std::uint8_t { Receive, Send };

    // Installs the keys that follow from a TLS secret.
    int install(ngtcp2_conn* connection, Level level, Direction direction, Cipher cipher,
                Bytes secret, WindowHeap& heap);

    // Clears what was opened last, which the library has read by now: a packet that was long leaves
    // its text in the buffer for good. REQUIRES: its memory is within reach.
    void wipe_opened();

    // What the keys of a connection are for.
    static Cipher cipher_of(const ngtcp2_crypto_ctx& context);

    // Writes a Retry packet. Returns its size, or an error of the library.
    ngtcp2_ssize write_retry(MutableBytes out, const ngtcp2_pkt_hd& initial,
                             const ngtcp2_cid& our_id, Bytes token);

    // A packet that closes a connection which does not exist yet.
    ngtcp2_ssize write_refusal(MutableBytes out, const ngtcp2_pkt_hd& initial, std::uint64_t code);

private:
    static int seal(std::uint8_t* out, const ngtcp2_crypto_aead* aead,
                    const ngtcp2_crypto_aead_ctx* key, const std::uint8_t* text,
                    std::size_t text_size, const std::uint8_t* nonce, std::size_t nonce_size,
                    const std::uint8_t* header, std::size_t header_size);
    static int open(std::uint8_t* out, const ngtcp2_crypto_aead* aead,
                    const ngtcp2_crypto_aead_ctx* key, const std::uint8_t* sealed,
                    std::size_t sealed_size, const std::uint8_t* nonce, std::size_t nonce_size,
                    const std::uint8_t* header, std::size_t header_size);
    static int mask(std::uint8_t* out, const ngtcp2_crypto_cipher* cipher,
                    const ngtcp2_crypto_cipher_ctx* key, const std::uint8_t* sample);

    static ngtcp2_crypto_ctx context(Cipher cipher, CipherNames& names);
    void note_opened(std::byte* out, std::size_t size);

    PacketCiphers ciphers_;
    CipherNames names_;    // for packets of no connection
    MutableBytes opened_;  // in the memory of the connection at work
};

// A raw key in memory of the library's, as a handle of it; null when there is none left.
RawKey* make_handle(const RawKey& key, const ngtcp2_mem& memory);
void free_handle(void* handle, PacketCiphers& ciphers, const ngtcp2_mem& memory);

}  // namespace starling::quic
