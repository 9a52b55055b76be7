#include "transport/quic/connection_id.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"

namespace starling::quic {
namespace {

using Block = std::array<std::byte, 16>;

gnutls_datum_t datum(Bytes bytes) {
    return {reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data())),
            static_cast<unsigned>(bytes.size())};
}

// One block of CBC under a zero vector is ECB, which GnuTLS does not have.
void clear_vector(gnutls_cipher_hd_t cipher) {
    Block zero{};
    gnutls_cipher_set_iv(cipher, zero.data(), zero.size());
}

Block encrypt(gnutls_cipher_hd_t cipher, const Block& plain) {
    Block sealed;
    clear_vector(cipher);
    STARLING_ASSERT(gnutls_cipher_encrypt2(cipher, plain.data(), plain.size(), sealed.data(),
                                           sealed.size()) == 0);
    return sealed;
}

Block decrypt(gnutls_cipher_hd_t cipher, Bytes sealed) {
    Block plain;
    clear_vector(cipher);
    STARLING_ASSERT(gnutls_cipher_decrypt2(cipher, sealed.data(), sealed.size(), plain.data(),
                                           plain.size()) == 0);
    return plain;
}

// A value of a byte that is `core` modulo `cores`, one of those that there are.
std::byte steering_byte(CoreId core, CoreId cores, std::byte salt) {
    const unsigned choices = (255u - core) / cores + 1;
    return static_cast<std::byte>(core + cores * (std::to_integer<unsigned>(salt) % choices));
}

}  // namespace

ConnectionIds::ConnectionIds(const QuicKeys& keys, CoreId core, CoreId cores)
    : core_(core),
      cores_(cores) {
    STARLING_ASSERT(core < cores && cores <= 256);
    adopt(keys);
}

void ConnectionIds::adopt(const QuicKeys& keys) {
    epoch_ = keys.epoch;
    seals_.clear();
    for (const KeySet& set : keys.sets) seals_.push_back(seal_of(set));
}

ConnectionIds::Seal ConnectionIds::seal_of(const KeySet& set) {
    const gnutls_datum_t key = datum(set.ids);
    gnutls_cipher_hd_t block = nullptr;
    STARLING_ASSERT(gnutls_cipher_init(&block, GNUTLS_CIPHER_AES_128_CBC, &key, nullptr) == 0);
    Seal seal{.block = {}, .resets = set.resets, .place = set.place};
    seal.block.reset(block);
    return seal;
}

ConnectionId ConnectionIds::issue(Handle connection, std::uint16_t sequence, std::byte salt,
                                  std::uint8_t place) const {
    Block plain{};
    std::byte* at = store_u32(plain.data(), connection.index);
    at = store_u32(at, (connection.generation & kGenerationMask) << 8) - 1;
    at = store_u16(at, sequence);
    at = store_u16(at, core_);
    store_u32(at, epoch_);

    const auto seal = std::ranges::find(seals_, place, &Seal::place);
    STARLING_ASSERT(seal != seals_.end());
    ConnectionId id;
    id[0] = steering_byte(core_, cores_, salt);
    std::ranges::copy(encrypt(seal->block.get(), plain), id.begin() + 1);
    return id;
}

ConnectionIds::Meaning ConnectionIds::read(Bytes id) const { return open(id).meaning; }

// Noise may look like an id of an earlier life: a later set may know better.
ConnectionIds::Opened ConnectionIds::open(Bytes id) const {
    Opened earlier{.meaning = {}, .seal = nullptr};
    if (id.size() != kIdBytes) return earlier;
    for (const Seal& seal : seals_) {
        const Meaning meaning = open(id, seal);
        if (meaning.origin == Origin::Current) return {meaning, &seal};
        if (meaning.origin == Origin::Earlier && !earlier.seal) earlier = {meaning, &seal};
    }
    return earlier;
}

ConnectionIds::Meaning ConnectionIds::open(Bytes id, const Seal& seal) const {
    const Block plain = decrypt(seal.block.get(), id.subspan(1));
    const CoreId core = load_u16(plain.data() + 9);
    if (core >= limits::kCores || plain[15] != std::byte{0}) return {};
    const bool is_current = load_u32(plain.data() + 11) == epoch_;
    // An earlier life may have had more cores, or fewer.
    const bool is_here = core == core_ && std::to_integer<unsigned>(id[0]) % cores_ == core_;
    if (is_current && !is_here) return {};
    return {.origin = is_current ? Origin::Current : Origin::Earlier,
            .index = load_u32(plain.data()),
            .generation = load_u32(plain.data() + 4) >> 8};
}

ResetToken ConnectionIds::reset_token(Bytes id) const {
    const Seal* seal = open(id).seal;
    STARLING_ASSERT(seal);
    std::array<std::byte, 32> digest;
    STARLING_ASSERT(gnutls_hmac_fast(GNUTLS_MAC_SHA256, seal->resets.data(), seal->resets.size(),
                                     id.data(), id.size(), digest.data()) == 0);
    ResetToken token;
    std::copy_n(digest.begin(), token.size(), token.begin());
    return token;
}

CoreId steer(Bytes datagram, CoreId cores) {
    if (datagram.empty()) return 0;
    const bool is_long = (datagram[0] & std::byte{0x80}) != std::byte{0};
    const std::size_t at = is_long ? 6 : 1;
    return datagram.size() <= at
               ? CoreId{0}
               : static_cast<CoreId>(std::to_integer<unsigned>(datagram[at]) % cores);
}

}  // namespace starling::quic
