#include "transport/quic/key_schedule.h"

#include <algorithm>
#include <gnutls/crypto.h>

#include "base/assert.h"

namespace starling::quic {
namespace {

constexpr std::array<unsigned char, 20> kInitialSalt{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34,
                                                     0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
                                                     0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
constexpr std::array<unsigned char, 16> kRetryKey{0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a,
                                                  0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e};

gnutls_mac_algorithm_t hash_of(Cipher cipher) {
    return cipher == Cipher::Aes256Gcm ? GNUTLS_MAC_SHA384 : GNUTLS_MAC_SHA256;
}

gnutls_datum_t datum(Bytes bytes) {
    return {reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data())),
            static_cast<unsigned>(bytes.size())};
}

RawKey expand_key(Cipher cipher, Bytes secret, std::string_view label, bool masks) {
    RawKey key{.cipher = cipher, .masks = masks};
    expand_label(cipher, secret, label, MutableBytes(key.bytes).first(key_bytes(cipher)));
    return key;
}

}  // namespace

std::size_t key_bytes(Cipher cipher) { return cipher == Cipher::Aes128Gcm ? 16 : 32; }

std::size_t secret_bytes(Cipher cipher) { return cipher == Cipher::Aes256Gcm ? 48 : 32; }

void expand_label(Cipher cipher, Bytes secret, std::string_view label, MutableBytes out) {
    constexpr std::string_view kPrefix = "tls13 ";
    std::array<std::byte, 32> info{};
    STARLING_ASSERT(kPrefix.size() + label.size() + 4 <= info.size());
    std::byte* at = store_u16(info.data(), static_cast<std::uint16_t>(out.size()));
    at = store_u8(at, static_cast<unsigned>(kPrefix.size() + label.size()));
    at = store_bytes(at, as_bytes(kPrefix));
    at = store_bytes(at, as_bytes(label));
    at = store_u8(at, 0);

    const gnutls_datum_t key = datum(secret);
    const gnutls_datum_t text = datum({info.data(), static_cast<std::size_t>(at - info.data())});
    STARLING_ASSERT(gnutls_hkdf_expand(hash_of(cipher), &key, &text, out.data(), out.size()) == 0);
}

PacketKeys derive_keys(Cipher cipher, Bytes secret) {
    PacketKeys keys{.seal = expand_key(cipher, secret, "quic key", false),
                    .mask = expand_key(cipher, secret, "quic hp", true)};
    expand_label(cipher, secret, "quic iv", keys.iv);
    return keys;
}

NextKeys next_keys(Cipher cipher, Bytes secret) {
    NextKeys next;
    const MutableBytes following = MutableBytes(next.secret).first(secret_bytes(cipher));
    expand_label(cipher, secret, "quic ku", following);
    next.seal = expand_key(cipher, following, "quic key", false);
    expand_label(cipher, following, "quic iv", next.iv);
    return next;
}

InitialSecrets initial_secrets(Bytes first_id) {
    constexpr Cipher kCipher = Cipher::Aes128Gcm;
    const gnutls_datum_t id = datum(first_id);
    const gnutls_datum_t salt = datum(std::as_bytes(std::span(kInitialSalt)));
    std::array<std::byte, 32> common{};
    STARLING_ASSERT(gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &id, &salt, common.data()) == 0);

    InitialSecrets secrets;
    expand_label(kCipher, common, "client in", MutableBytes(secrets.client).first(32));
    expand_label(kCipher, common, "server in", MutableBytes(secrets.server).first(32));
    return secrets;
}

RawKey retry_key() {
    RawKey key;
    std::ranges::copy(std::as_bytes(std::span(kRetryKey)), key.bytes.begin());
    return key;
}

}  // namespace starling::quic
