// Seals and opens packets with raw keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <gnutls/crypto.h>
#include <vector>

#include "transport/quic/key_schedule.h"

namespace starling::quic {

// A cipher made of a key takes 750 bytes, a connection has four: a million keep raw keys only, and
// a cipher is made when a packet needs it (0.3 us). Those used last stay for the packets that
// follow, so a busy connection makes none.
// Owner: one core.
class PacketCiphers {
public:
    // Keeps at most `capacity` ciphers, rounded up to a multiple of four.
    explicit PacketCiphers(std::size_t capacity);
    PacketCiphers(const PacketCiphers&) = delete;
    PacketCiphers& operator=(const PacketCiphers&) = delete;
    ~PacketCiphers();

    // Writes text.size() + kTagBytes bytes; `out` may be where the text is.
    bool seal(const RawKey& key, Bytes nonce, Bytes header, Bytes text, std::byte* out);

    // Writes sealed.size() - kTagBytes bytes; false when the packet is not what was sealed.
    bool open(const RawKey& key, Bytes nonce, Bytes header, Bytes sealed, std::byte* out);

    // Writes the 5 bytes that hide a header. REQUIRES: sample.size() == 16.
    bool mask(const RawKey& key, Bytes sample, std::byte* out);

    // The key is no longer needed: nothing made of it stays.
    void forget(const RawKey& key);

    std::uint64_t hits() const { return hits_; }
    std::uint64_t misses() const { return misses_; }

private:
    static constexpr std::size_t kWays = 4;

    struct Entry {
        RawKey key;
        gnutls_aead_cipher_hd_t seals = nullptr;
        gnutls_cipher_hd_t masks = nullptr;
        std::uint64_t used_at = 0;  // 0: free

        bool make();
        void clear();
    };

    Entry* set_of(const RawKey& key);
    Entry* live(const RawKey& key);

    std::vector<Entry> entries_;
    std::uint64_t uses_ = 0;
    std::uint64_t hits_ = 0;
    std::uint64_t misses_ = 0;
};

}  // namespace starling::quic
