#include "transport/quic/address_token.h"

#include <algorithm>
#include <array>
#include <netinet/in.h>

#include "base/assert.h"

namespace starling::quic {
namespace {

// kind 1 | nonce 12 | sealed: time 8, then of a Retry the first id, else the slot 2 | tag 16
constexpr std::byte kRetryKind{0x72};
constexpr std::byte kNewTokenKind{0x6e};
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kOverhead = 1 + kNonceBytes + kTagBytes;

void append(ByteVector& to, Bytes bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

// The same bytes for the same address, whatever else its structure holds.
void append_address(ByteVector& to, const SocketAddress& address) {
    if (address.family() == AF_INET6) {
        const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(address.data());
        append(to, std::as_bytes(std::span(v6.sin6_addr.s6_addr)));
    } else {
        const auto& v4 = *reinterpret_cast<const sockaddr_in*>(address.data());
        append(to, std::as_bytes(std::span(&v4.sin_addr, 1)));
    }
}

ByteVector bound_to_retry(const SocketAddress& peer, Bytes retry_id) {
    ByteVector bytes{kRetryKind, std::byte(peer.port() >> 8), std::byte(peer.port() & 0xFF)};
    append_address(bytes, peer);
    append(bytes, retry_id);
    return bytes;
}

ByteVector bound_to_address(const SocketAddress& peer) {
    ByteVector bytes{kNewTokenKind};
    append_address(bytes, peer);
    return bytes;
}

void append_time(ByteVector& to, std::uint64_t now_s) {
    std::array<std::byte, 8> time;
    store_u32(store_u32(time.data(), static_cast<std::uint32_t>(now_s >> 32)),
              static_cast<std::uint32_t>(now_s));
    append(to, time);
}

}  // namespace

void AddressTokens::adopt(const QuicKeys& keys) {
    static_assert(kNewTokenSeconds == KeyTerms::kOverlapMaxS);
    ciphers_.clear();
    for (const KeySet& set : keys.sets) {
        if (!set.opens_tokens()) continue;
        const gnutls_datum_t key{
            reinterpret_cast<unsigned char*>(const_cast<std::byte*>(set.tokens.data())),
            static_cast<unsigned>(set.tokens.size())};
        gnutls_aead_cipher_hd_t cipher = nullptr;
        STARLING_ASSERT(gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_128_GCM, &key) == 0);
        ciphers_.emplace_back(cipher);
    }
}

ByteVector AddressTokens::for_retry(const SocketAddress& peer, Bytes first_id, Bytes retry_id,
                                    std::uint64_t now_s) const {
    ByteVector plain;
    append_time(plain, now_s);
    append(plain, first_id);
    return seal(kRetryKind, plain, bound_to_retry(peer, retry_id));
}

ByteVector AddressTokens::for_next_time(const SocketAddress& peer, std::uint16_t slot,
                                        std::uint64_t now_s) const {
    ByteVector plain;
    append_time(plain, now_s);
    plain.push_back(std::byte(slot >> 8));
    plain.push_back(std::byte(slot & 0xFF));
    return seal(kNewTokenKind, plain, bound_to_address(peer));
}

ByteVector AddressTokens::seal(std::byte kind, Bytes plain, Bytes bound_to) const {
    ByteVector token(kOverhead + plain.size());
    STARLING_ASSERT(token.size() <= kBytesMax);
    token[0] = kind;
    STARLING_ASSERT(gnutls_rnd(GNUTLS_RND_NONCE, &token[1], kNonceBytes) == 0);
    std::size_t size = plain.size() + kTagBytes;
    STARLING_ASSERT(gnutls_aead_cipher_encrypt(ciphers_.front().get(), &token[1], kNonceBytes,
                                               bound_to.data(), bound_to.size(), kTagBytes,
                                               plain.data(), plain.size(), &token[1 + kNonceBytes],
                                               &size) == 0);
    return token;
}

// Whichever key it was sealed with.
bool AddressTokens::open(Bytes token, Bytes bound_to, MutableBytes plain) const {
    return std::ranges::any_of(ciphers_, [&](const Cipher& cipher) {
        std::size_t size = plain.size();
        return gnutls_aead_cipher_decrypt(cipher.get(), &token[1], kNonceBytes, bound_to.data(),
                                          bound_to.size(), kTagBytes, &token[1 + kNonceBytes],
                                          token.size() - 1 - kNonceBytes, plain.data(), &size) == 0;
    });
}

std::optional<AddressTokens::Meaning> AddressTokens::read(Bytes token, const SocketAddress& peer,
                                                          Bytes shown_under,
                                                          std::uint64_t now_s) const {
    if (token.size() < kOverhead + 8 || token.size() > kBytesMax) return {};
    const bool is_retry = claims_retry(token);
    const ByteVector bound = is_retry ? bound_to_retry(peer, shown_under) : bound_to_address(peer);
    std::array<std::byte, kBytesMax> plain;
    const std::size_t size = token.size() - kOverhead;
    if (!open(token, bound, MutableBytes(plain).first(size))) return {};

    const std::uint64_t issued_s =
        std::uint64_t{load_u32(plain.data())} << 32 | load_u32(&plain[4]);
    const std::uint64_t good_s = is_retry ? kRetrySeconds : kNewTokenSeconds;
    if (issued_s > now_s || now_s - issued_s > good_s) return {};
    Meaning meaning{.is_retry = is_retry};
    if (is_retry) meaning.first_id.assign(plain.begin() + 8, plain.begin() + long(size));
    else meaning.slot = load_u16(&plain[8]);
    return meaning;
}

bool AddressTokens::claims_retry(Bytes token) { return !token.empty() && token[0] == kRetryKind; }

}  // namespace starling::quic
