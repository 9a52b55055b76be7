#include "transport/quic/initial_check.h"

#include <array>

#include "transport/quic/key_schedule.h"
#include "transport/quic/library_types.h"

namespace starling::quic {
namespace {

// RFC 9001, section 5.4.2: the sample begins where the longest packet number would end.
constexpr std::size_t kSampleBytes = 16;
constexpr std::size_t kNumberBytesMax = 4;

// What of a long header's first byte is hidden, and the packet number's size in that.
constexpr std::byte kHiddenBits{0x0F};
constexpr std::byte kNumberSizeBits{0x03};

// The header as it was before it was hidden. REQUIRES: the sample lies in the packet.
ByteVector shown_header(Bytes packet, std::size_t number_at, const PacketKeys& keys,
                        PacketCiphers& ciphers) {
    std::array<std::byte, 1 + kNumberBytesMax> mask{};
    ciphers.mask(keys.mask, packet.subspan(number_at + kNumberBytesMax, kSampleBytes), mask.data());
    const std::byte first = packet[0] ^ (mask[0] & kHiddenBits);
    const std::size_t number_size = std::to_integer<std::size_t>(first & kNumberSizeBits) + 1;
    ByteVector header(packet.begin(), packet.begin() + long(number_at + number_size));
    header[0] = first;
    for (std::size_t i = 0; i < number_size; ++i) header[number_at + i] ^= mask[1 + i];
    return header;
}

}  // namespace

bool is_whole_initial(Bytes datagram, PacketCiphers& ciphers) {
    ngtcp2_pkt_hd initial;
    const ngtcp2_ssize read =
        ngtcp2_pkt_decode_hd_long(&initial, raw(datagram.data()), datagram.size());
    if (read <= 0 || initial.type != NGTCP2_PKT_INITIAL) return false;
    const auto number_at = static_cast<std::size_t>(read);
    if (initial.len > datagram.size() - number_at || initial.len < kNumberBytesMax + kSampleBytes)
        return false;
    const Bytes packet = datagram.first(number_at + initial.len);

    const InitialSecrets secrets = initial_secrets(view(initial.dcid));
    const PacketKeys keys = derive_keys(
        Cipher::Aes128Gcm, Bytes(secrets.client).first(secret_bytes(Cipher::Aes128Gcm)));
    const ByteVector header = shown_header(packet, number_at, keys, ciphers);
    // Of a first packet the number is what is shown of it: see RFC 9000, appendix A.3.
    auto nonce = keys.iv;
    for (std::size_t from = header.size(), to = nonce.size(); from > number_at;)
        nonce[--to] ^= header[--from];
    const Bytes sealed = packet.subspan(header.size());
    ByteVector text(sealed.size() - kTagBytes);
    const bool is_whole = ciphers.open(keys.seal, nonce, header, sealed, text.data());
    ciphers.forget(keys.seal);
    ciphers.forget(keys.mask);
    return is_whole;
}

}  // namespace starling::quic
