#include "transport/quic/packet_ciphers.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.h"

namespace starling::quic {
namespace {

gnutls_cipher_algorithm_t sealing(Cipher cipher) {
    switch (cipher) {
        case Cipher::Aes128Gcm: return GNUTLS_CIPHER_AES_128_GCM;
        case Cipher::Aes256Gcm: return GNUTLS_CIPHER_AES_256_GCM;
        case Cipher::ChaCha20Poly1305: break;
    }
    return GNUTLS_CIPHER_CHACHA20_POLY1305;
}

// GnuTLS has no ECB; the first block of CBC under a zero vector is the same.
gnutls_cipher_algorithm_t masking(Cipher cipher) {
    switch (cipher) {
        case Cipher::Aes128Gcm: return GNUTLS_CIPHER_AES_128_CBC;
        case Cipher::Aes256Gcm: return GNUTLS_CIPHER_AES_256_CBC;
        case Cipher::ChaCha20Poly1305: break;
    }
    return GNUTLS_CIPHER_CHACHA20_32;
}

}  // namespace

PacketCiphers::PacketCiphers(std::size_t capacity)
    : entries_(std::max<std::size_t>(1, (capacity + kWays - 1) / kWays) * kWays) {}

PacketCiphers::~PacketCiphers() {
    for (Entry& entry : entries_) entry.clear();
}

bool PacketCiphers::seal(const RawKey& key, Bytes nonce, Bytes header, Bytes text, std::byte* out) {
    Entry* entry = live(key);
    std::size_t size = text.size() + kTagBytes;
    return entry && gnutls_aead_cipher_encrypt(entry->seals, nonce.data(), nonce.size(),
                                               header.data(), header.size(), kTagBytes, text.data(),
                                               text.size(), out, &size) == 0;
}

bool PacketCiphers::open(const RawKey& key, Bytes nonce, Bytes header, Bytes sealed,
                         std::byte* out) {
    if (sealed.size() < kTagBytes) return false;
    Entry* entry = live(key);
    std::size_t size = sealed.size() - kTagBytes;
    return entry && gnutls_aead_cipher_decrypt(entry->seals, nonce.data(), nonce.size(),
                                               header.data(), header.size(), kTagBytes,
                                               sealed.data(), sealed.size(), out, &size) == 0;
}

bool PacketCiphers::mask(const RawKey& key, Bytes sample, std::byte* out) {
    STARLING_ASSERT(sample.size() == 16);
    Entry* entry = live(key);
    if (!entry) return false;
    const bool is_stream_cipher = key.cipher == Cipher::ChaCha20Poly1305;
    std::array<std::byte, 16> vector{}, text{}, block{};
    std::ranges::copy(sample, is_stream_cipher ? vector.begin() : text.begin());
    gnutls_cipher_set_iv(entry->masks, vector.data(), vector.size());
    if (gnutls_cipher_encrypt2(entry->masks, text.data(), text.size(), block.data(),
                               block.size()) != 0)
        return false;
    std::copy_n(block.begin(), 5, out);
    return true;
}

void PacketCiphers::forget(const RawKey& key) {
    Entry* set = set_of(key);
    for (Entry* entry = set; entry != set + kWays; ++entry)
        if (entry->used_at != 0 && entry->key == key) entry->clear();
}

// Keys are random already: their first bytes spread them.
PacketCiphers::Entry* PacketCiphers::set_of(const RawKey& key) {
    std::uint64_t spread = 0;
    std::memcpy(&spread, key.bytes.data(), sizeof spread);
    return &entries_[spread % (entries_.size() / kWays) * kWays];
}

// The cipher of this key: kept, or made in the place of the one of its set that was used longest
// ago. Null only when GnuTLS has no memory.
PacketCiphers::Entry* PacketCiphers::live(const RawKey& key) {
    Entry* set = set_of(key);
    Entry* oldest = set;
    for (Entry* entry = set; entry != set + kWays; ++entry) {
        if (entry->used_at != 0 && entry->key == key) {
            ++hits_;
            entry->used_at = ++uses_;
            return entry;
        }
        if (entry->used_at < oldest->used_at) oldest = entry;
    }
    ++misses_;
    oldest->clear();
    oldest->key = key;
    if (!oldest->make()) return nullptr;
    oldest->used_at = ++uses_;
    return oldest;
}

bool PacketCiphers::Entry::make() {
    const gnutls_datum_t bytes{reinterpret_cast<unsigned char*>(key.bytes.data()),
                               static_cast<unsigned>(key_bytes(key.cipher))};
    return (key.masks ? gnutls_cipher_init(&masks, masking(key.cipher), &bytes, nullptr)
                      : gnutls_aead_cipher_init(&seals, sealing(key.cipher), &bytes)) == 0;
}

void PacketCiphers::Entry::clear() {
    if (seals) gnutls_aead_cipher_deinit(seals);
    if (masks) gnutls_cipher_deinit(masks);
    gnutls_memset(&key, 0, sizeof key);
    *this = Entry{};
}

}  // namespace starling::quic
