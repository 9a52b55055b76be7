// From TLS secrets to the keys of packets: RFC 9001, section 5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace starling::quic {

// What QUIC seals packets with. The hash of its key schedule comes with it.
enum class Cipher : std::uint8_t { Aes128Gcm, Aes256Gcm, ChaCha20Poly1305 };
inline constexpr std::size_t kCiphers = 3;

inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kKeyBytesMax = 32;
inline constexpr std::size_t kSecretBytesMax = 48;

std::size_t key_bytes(Cipher cipher);
std::size_t secret_bytes(Cipher cipher);

// A raw key. Whatever is made of it is made on use: see PacketCiphers. Plain data.
struct RawKey {
    Cipher cipher = Cipher::Aes128Gcm;
    bool masks = false;  // protects headers, not payloads
    std::array<std::byte, kKeyBytesMax> bytes{};

    Bytes view() const { return Bytes(bytes).first(key_bytes(cipher)); }
    bool operator==(const RawKey&) const = default;
};

// A secret of the key schedule, of secret_bytes() of its cipher. Plain data.
using Secret = std::array<std::byte, kSecretBytesMax>;

// What one direction of one level is protected with. Plain data.
struct PacketKeys {
    RawKey seal;
    RawKey mask;
    std::array<std::byte, kNonceBytes> iv{};
};

// HKDF-Expand-Label of TLS 1.3 with an empty context; fills `out`.
// REQUIRES: secret.size() == secret_bytes(cipher).
void expand_label(Cipher cipher, Bytes secret, std::string_view label, MutableBytes out);

PacketKeys derive_keys(Cipher cipher, Bytes secret);

// A key update: what follows `secret`, and the key of its generation; the mask stays.
struct NextKeys {
    Secret secret{};
    RawKey seal;
    std::array<std::byte, kNonceBytes> iv{};
};
NextKeys next_keys(Cipher cipher, Bytes secret);

// The secrets of Initial packets, which anybody can derive from the client's first connection id.
struct InitialSecrets {
    Secret client{};
    Secret server{};
};
InitialSecrets initial_secrets(Bytes first_id);

// The fixed key under which the tag of a Retry packet is made.
RawKey retry_key();

}  // namespace starling::quic
