#include "transport/quic/packet_ciphers.h"

#include <gtest/gtest.h>

namespace starling::quic {
namespace {

RawKey key(Cipher cipher, unsigned number, bool masks = false) {
    RawKey made{.cipher = cipher, .masks = masks};
    for (std::size_t i = 0; i < key_bytes(cipher); ++i)
        made.bytes[i] = static_cast<std::byte>(number * 31 + i * 7);
    return made;
}

const ByteVector kNonce(kNonceBytes, std::byte{5});
const ByteVector kHeader(20, std::byte{0x40});

TEST(PacketCiphers, OpensWhatItSealed) {
    PacketCiphers ciphers(8);
    for (const Cipher cipher : {Cipher::Aes128Gcm, Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305})
        for (const std::size_t size : {0u, 1u, 16u, 1200u}) {
            const ByteVector text(size, std::byte{0x61});
            ByteVector packet = text;
            packet.resize(size + kTagBytes);
            const RawKey one = key(cipher, 1);
            ASSERT_TRUE(
                ciphers.seal(one, kNonce, kHeader, Bytes(packet).first(size), packet.data()));
            ByteVector opened(size + 1);
            EXPECT_TRUE(ciphers.open(one, kNonce, kHeader, packet, opened.data()));
            EXPECT_TRUE(std::equal(text.begin(), text.end(), opened.begin()));
            EXPECT_FALSE(ciphers.open(key(cipher, 2), kNonce, kHeader, packet, opened.data()));
            packet[size / 2] ^= std::byte{1};
            EXPECT_FALSE(ciphers.open(one, kNonce, kHeader, packet, opened.data()));
        }
}

TEST(PacketCiphers, RefusesWhatIsShorterThanATag) {
    PacketCiphers ciphers(4);
    std::byte out;
    EXPECT_FALSE(
        ciphers.open(key(Cipher::Aes128Gcm, 1), kNonce, kHeader, ByteVector(kTagBytes - 1), &out));
}

// The room is counted in ciphers; which of a set goes is the one used longest ago.
TEST(PacketCiphers, KeepsThoseUsedLast) {
    PacketCiphers ciphers(4);
    std::array<std::byte, 5> mask;
    const ByteVector sample(16);
    const auto use = [&](unsigned number) {
        const std::uint64_t before = ciphers.hits();
        EXPECT_TRUE(ciphers.mask(key(Cipher::Aes128Gcm, number, true), sample, mask.data()));
        return ciphers.hits() != before;
    };
    for (unsigned number = 1; number <= 4; ++number) EXPECT_FALSE(use(number));
    for (unsigned number = 1; number <= 4; ++number) EXPECT_TRUE(use(number));
    EXPECT_FALSE(use(5));  // in the place of 1
    EXPECT_TRUE(use(2));
    EXPECT_FALSE(use(1));  // in the place of 3
    EXPECT_TRUE(use(4));
    EXPECT_FALSE(use(3));
    EXPECT_EQ(ciphers.misses(), 7u);
}

TEST(PacketCiphers, MakesAForgottenCipherAnew) {
    PacketCiphers ciphers(4);
    const RawKey one = key(Cipher::ChaCha20Poly1305, 1, true);
    std::array<std::byte, 5> before, after;
    const ByteVector sample(16, std::byte{9});
    ASSERT_TRUE(ciphers.mask(one, sample, before.data()));
    ciphers.forget(one);
    ciphers.forget(key(Cipher::Aes128Gcm, 7));
    ASSERT_TRUE(ciphers.mask(one, sample, after.data()));
    EXPECT_EQ(before, after);
    EXPECT_EQ(ciphers.misses(), 2u);
}

}  // namespace
}  // namespace starling::quic
