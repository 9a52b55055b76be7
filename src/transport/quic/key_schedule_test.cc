#include "transport/quic/key_schedule.h"

#include <string>

#include <gtest/gtest.h>

#include "transport/quic/packet_ciphers.h"
#include "transport/quic/packet_crypto.h"

namespace starling::quic {
namespace {

std::string hex(Bytes bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
    }
    return text;
}

ByteVector unhex(std::string text) {
    std::erase(text, ' ');
    ByteVector bytes;
    for (std::size_t at = 0; at < text.size(); at += 2)
        bytes.push_back(static_cast<std::byte>(std::stoul(text.substr(at, 2), nullptr, 16)));
    return bytes;
}

Bytes secret_of(Cipher cipher, const Secret& secret) {
    return Bytes(secret).first(secret_bytes(cipher));
}

// The nonce of a packet: its number, XOR the vector.
std::array<std::byte, kNonceBytes> nonce(std::array<std::byte, kNonceBytes> iv,
                                         std::uint64_t number) {
    for (std::size_t i = 0; i < 8; ++i) iv[11 - i] ^= static_cast<std::byte>(number >> (8 * i));
    return iv;
}

// Seals a packet and hides its header, as RFC 9001 section 5 tells.
std::string protect(const PacketKeys& keys, std::uint64_t number, std::size_t number_bytes,
                    ByteVector header, Bytes text) {
    PacketCiphers ciphers(4);
    ByteVector packet = header;
    packet.resize(header.size() + text.size() + kTagBytes);
    EXPECT_TRUE(
        ciphers.seal(keys.seal, nonce(keys.iv, number), header, text, &packet[header.size()]));
    const std::size_t number_at = header.size() - number_bytes;
    std::array<std::byte, 5> mask;
    EXPECT_TRUE(ciphers.mask(keys.mask, Bytes(packet).subspan(number_at + 4, 16), mask.data()));
    const bool is_long = (packet[0] & std::byte{0x80}) != std::byte{0};
    packet[0] ^= mask[0] & std::byte(is_long ? 0x0f : 0x1f);
    for (std::size_t i = 0; i < number_bytes; ++i) packet[number_at + i] ^= mask[1 + i];
    return hex(packet);
}

constexpr const char* kFirstId = "8394c8f03e515708";

// RFC 9001, appendix A.1.
TEST(KeySchedule, DerivesInitialKeys) {
    const auto secrets = initial_secrets(unhex(kFirstId));
    struct Case {
        const Secret& secret;
        const char* hex_secret;
        const char* key;
        const char* iv;
        const char* mask;
    };
    const Case cases[] = {
        {secrets.client, "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
         "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
         "9f50449e04a0e810283a1e9933adedd2"},
        {secrets.server, "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b",
         "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e",
         "c206b8d9b9f0f37644430b490eeaa314"},
    };
    for (const Case& c : cases) {
        const Bytes secret = secret_of(Cipher::Aes128Gcm, c.secret);
        EXPECT_EQ(hex(secret), c.hex_secret);
        const PacketKeys keys = derive_keys(Cipher::Aes128Gcm, secret);
        EXPECT_EQ(hex(keys.seal.view()), c.key);
        EXPECT_EQ(hex(keys.iv), c.iv);
        EXPECT_EQ(hex(keys.mask.view()), c.mask);
    }
}

// RFC 9001, appendix A.2: beginning and tag of the datagram of 1200 bytes.
TEST(KeySchedule, ProtectsAClientInitial) {
    ByteVector text = unhex(
        "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00"
        "000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d"
        "0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbaba"
        "f4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04030503060302"
        "03080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000"
        "ffff0801100104800075300901100f088394c8f03e51570806048000ffff");
    ASSERT_EQ(text.size(), 245u);
    text.resize(1162);
    const auto secrets = initial_secrets(unhex(kFirstId));
    const std::string packet =
        protect(derive_keys(Cipher::Aes128Gcm, secret_of(Cipher::Aes128Gcm, secrets.client)), 2, 4,
                unhex("c300000001088394c8f03e5157080000449e00000002"), text);
    EXPECT_EQ(packet.size(), 2 * 1200u);
    EXPECT_EQ(packet.substr(0, 76),
              "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b");
    EXPECT_EQ(packet.substr(packet.size() - 32), "e221af44860018ab0856972e194cd934");
}

// RFC 9001, appendix A.3.
TEST(KeySchedule, ProtectsAServerInitial) {
    const ByteVector text = unhex(
        "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a04"
        "5a1200130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32b"
        "b9da1a002b00020304");
    const auto secrets = initial_secrets(unhex(kFirstId));
    const PacketKeys keys =
        derive_keys(Cipher::Aes128Gcm, secret_of(Cipher::Aes128Gcm, secrets.server));
    EXPECT_EQ(protect(keys, 1, 2, unhex("c1000000010008f067a5502a4262b50040750001"), text),
              "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69"
              "797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73"
              "cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456"
              "cbc42158407dd074ee");
}

// RFC 9001, appendix A.4. The first byte's low bits are free; the library leaves them 0.
TEST(KeySchedule, TagsARetry) {
    PacketCiphers ciphers(4);
    const ByteVector pseudo = unhex("08 8394c8f03e515708 ff000000010008f067a5502a4262b5746f6b656e");
    std::array<std::byte, kTagBytes> tag;
    ASSERT_TRUE(
        ciphers.seal(retry_key(), unhex("461599d35d632bf2239825bb"), pseudo, {}, tag.data()));
    EXPECT_EQ(hex(tag), "04a265ba2eff4d829058fb3f0f2496ba");

    PacketCrypto crypto(4);
    ngtcp2_pkt_hd initial{};
    initial.version = NGTCP2_PROTO_VER_V1;
    const ByteVector first_id = unhex(kFirstId), our_id = unhex("f067a5502a4262b5");
    ngtcp2_cid_init(&initial.dcid, raw(first_id.data()), first_id.size());
    ngtcp2_cid ours;
    ngtcp2_cid_init(&ours, raw(our_id.data()), our_id.size());
    ByteVector packet(100);
    const ngtcp2_ssize size = crypto.write_retry(packet, initial, ours, unhex("746f6b656e"));
    ASSERT_GT(size, 0);
    EXPECT_EQ(hex(Bytes(packet).first(static_cast<std::size_t>(size) - kTagBytes)).substr(2),
              "000000010008f067a5502a4262b5746f6b656e");
}

// RFC 9001, appendix A.5.
TEST(KeySchedule, ProtectsAShortHeaderWithChaCha20) {
    constexpr Cipher kCipher = Cipher::ChaCha20Poly1305;
    const ByteVector secret =
        unhex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b");
    const PacketKeys keys = derive_keys(kCipher, secret);
    EXPECT_EQ(hex(keys.seal.view()),
              "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8");
    EXPECT_EQ(hex(keys.iv), "e0459b3474bdd0e44a41c144");
    EXPECT_EQ(hex(keys.mask.view()),
              "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4");
    EXPECT_EQ(hex(secret_of(kCipher, next_keys(kCipher, secret).secret)),
              "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9");
    EXPECT_EQ(protect(keys, 654'360'564, 3, unhex("4200bff4"), unhex("01")),
              "4cfe4189655e5cd55c41f69080575d7999c25a5bfb");
}

TEST(KeySchedule, SizesFollowTheCipher) {
    EXPECT_EQ(key_bytes(Cipher::Aes128Gcm), 16u);
    EXPECT_EQ(key_bytes(Cipher::Aes256Gcm), 32u);
    EXPECT_EQ(key_bytes(Cipher::ChaCha20Poly1305), 32u);
    EXPECT_EQ(secret_bytes(Cipher::Aes256Gcm), 48u);
    EXPECT_EQ(secret_bytes(Cipher::ChaCha20Poly1305), 32u);
}

}  // namespace
}  // namespace starling::quic
