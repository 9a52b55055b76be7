#include "transport/quic/ticket_keys.h"

#include <gnutls/crypto.h>
#include <span>

#include "base/assert.h"

namespace starling::quic {
namespace {

// GnuTLS changes the key that it seals with after so many lifetimes of a ticket.
constexpr std::uint64_t kLifetimesOfKey = 3;
constexpr std::size_t kNameBytes = 16;

TicketKey bound_key(const TicketKey& key, Bytes condition) {
    TicketKey bound;
    static_assert(sizeof bound == 64, "what SHA-512 gives");
    STARLING_ASSERT(gnutls_hmac_fast(GNUTLS_MAC_SHA512, key.data(), key.size(), condition.data(),
                                     condition.size(), bound.data()) == 0);
    return bound;
}

TicketKey key_of(const KeySet& set, const TicketTerms& terms) {
    TicketKey key = bound_key(set.tickets, terms.limits);
    if (!terms.authorities.empty()) key = bound_key(key, terms.authorities);
    return bound_key(key, as_bytes(terms.protocol));
}

// Whether GnuTLS, given `key`, has sealed this in its `period`.
bool has_sealed(const TicketKey& key, std::uint64_t period, std::string_view ticket) {
    std::array<std::byte, 8 + sizeof key> text;
    std::byte* at = store_u32(text.data(), static_cast<std::uint32_t>(period >> 32));
    store_bytes(store_u32(at, static_cast<std::uint32_t>(period)), key);
    std::array<std::byte, 64> digest;
    STARLING_ASSERT(
        gnutls_hash_fast(GNUTLS_DIG_SHA3_512, text.data(), text.size(), digest.data()) == 0);
    return as_text(Bytes(digest).first(kNameBytes)) == ticket.substr(0, kNameBytes);
}

}  // namespace

TicketKey ticket_key(const QuicKeys& keys, const TicketTerms& terms, std::string_view ticket,
                     std::uint64_t now_s) {
    const TicketKey newest = key_of(keys.newest(), terms);
    if (ticket.empty()) return newest;
    const std::uint64_t period = now_s / (kLifetimesOfKey * terms.lifetime_s);
    for (const KeySet& set : std::span(keys.sets).subspan(1)) {
        if (!set.opens_tokens()) continue;
        const TicketKey key = key_of(set, terms);
        if (has_sealed(key, period, ticket) || has_sealed(key, period - 1, ticket)) return key;
    }
    return newest;
}

}  // namespace starling::quic
