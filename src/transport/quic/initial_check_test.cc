#include "transport/quic/initial_check.h"

#include <gtest/gtest.h>

#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

// The first datagram of a client.
ByteVector initial(Bytes token) {
    QuicRig rig;
    ByteVector first;
    rig.network.watch = [&](Bytes bytes, const SocketAddress&) {
        if (first.empty()) first.assign(bytes.begin(), bytes.end());
    };
    rig.connect({}, token);
    rig.run_for(kMillisecond);
    return first;
}

TEST(InitialCheck, KnowsDamageFromAWholePacket) {
    PacketCiphers ciphers(4);
    const ByteVector token(60, std::byte{'r'});
    for (const Bytes its_token : {Bytes{}, Bytes(token)}) {
        const ByteVector whole = initial(its_token);
        ASSERT_GE(whole.size(), 1'200u);
        EXPECT_TRUE(is_whole_initial(whole, ciphers));
        for (std::size_t at = 0; at < whole.size(); at += at < 150 ? 1 : 41) {
            for (const std::byte bit : {std::byte{0x01}, std::byte{0x80}}) {
                ByteVector damaged = whole;
                damaged[at] ^= bit;
                EXPECT_FALSE(is_whole_initial(damaged, ciphers)) << at;
            }
        }
        for (std::size_t size = 0; size < whole.size(); size += size < 150 ? 1 : 41)
            EXPECT_FALSE(is_whole_initial(Bytes(whole).first(size), ciphers)) << size;
    }
}

TEST(InitialCheck, JunkIsNone) {
    PacketCiphers ciphers(4);
    Random random(7);
    for (int i = 0; i < 2'000; ++i) {
        ByteVector junk(1 + random.below(200));
        for (std::byte& byte : junk) byte = static_cast<std::byte>(random.next());
        if (junk.size() > 5) store_u32(&junk[1], NGTCP2_PROTO_VER_V1);
        EXPECT_FALSE(is_whole_initial(junk, ciphers));
    }
}

}  // namespace
}  // namespace starling::quic
