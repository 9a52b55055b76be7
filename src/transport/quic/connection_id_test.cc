#include "transport/quic/connection_id.h"

#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace starling::quic {
namespace {

using Origin = ConnectionIds::Origin;

TEST(ConnectionIds, SayWhomTheyName) {
    const QuicKeys keys = QuicKeys::random();
    struct Case {
        CoreId core, cores;
        Handle handle;
        std::uint16_t sequence;
    };
    static constexpr Case cases[] = {
        {0, 1, {0, 1}, 0},
        {1, 2, {7, 3}, 65'535},
        {63, 64, {0xFFFF'FFFE, 0xFF'FFFF}, 1},
        {2, 3, {1'000'000, 0x0200'0001}, 300},
    };
    for (const Case& c : cases) {
        const ConnectionIds ids(keys, c.core, c.cores);
        for (unsigned salt = 0; salt < 256; ++salt) {
            const ConnectionId id = ids.issue(c.handle, c.sequence, static_cast<std::byte>(salt));
            EXPECT_EQ(std::to_integer<unsigned>(id[0]) % c.cores, c.core);
            const auto meaning = ids.read(id);
            EXPECT_EQ(meaning.origin, Origin::Current);
            EXPECT_EQ(meaning.index, c.handle.index);
            EXPECT_EQ(meaning.generation, c.handle.generation & 0xFF'FFFF);
        }
    }
}

TEST(ConnectionIds, TellLivesAndCoresApart) {
    QuicKeys keys = QuicKeys::random();
    const ConnectionIds ids(keys, 0, 2), neighbour(keys, 1, 2);
    const ConnectionId id = ids.issue({5, 1}, 0, std::byte{40});
    EXPECT_EQ(neighbour.read(id).origin, Origin::Foreign);

    QuicKeys later = keys;
    ++later.epoch;
    for (const CoreId cores : {CoreId{1}, CoreId{2}, CoreId{3}})
        EXPECT_EQ(ConnectionIds(later, 0, cores).read(id).origin, Origin::Earlier);
    EXPECT_EQ(ConnectionIds(QuicKeys::random(), 0, 2).read(id).origin, Origin::Foreign);
}

TEST(ConnectionIds, AreNotForgedByChance) {
    const ConnectionIds ids(QuicKeys::random(), 0, 1);
    Random random(1);
    ConnectionId id;
    for (int i = 0; i < 100'000; ++i) {
        for (std::byte& byte : id) byte = static_cast<std::byte>(random.next());
        EXPECT_NE(ids.read(id).origin, Origin::Current);
    }
    for (const std::size_t size : {0u, 1u, 16u, 18u, 20u})
        EXPECT_EQ(ids.read(ByteVector(size)).origin, Origin::Foreign);
}

TEST(ConnectionIds, DoNotRepeat) {
    const ConnectionIds ids(QuicKeys::random(), 0, 1);
    std::set<ConnectionId> seen;
    for (std::uint16_t sequence = 0; sequence < 1'000; ++sequence)
        EXPECT_TRUE(seen.insert(ids.issue({1, 1}, sequence, std::byte{0})).second);
}

TEST(ConnectionIds, ResetTokensFollowTheKeyAndTheId) {
    QuicKeys keys = QuicKeys::random();
    const ConnectionIds ids(keys, 0, 1);
    const ConnectionId one = ids.issue({1, 1}, 0, std::byte{0});
    const ConnectionId other = ids.issue({1, 1}, 1, std::byte{0});
    EXPECT_EQ(ids.reset_token(one), ids.reset_token(one));
    EXPECT_NE(ids.reset_token(one), ids.reset_token(other));
    QuicKeys later = keys;
    ++later.epoch;
    EXPECT_EQ(ConnectionIds(later, 0, 1).reset_token(one), ids.reset_token(one));
}

// Whoever was named before the keys were replaced still is, and is named on under the same.
TEST(ConnectionIds, OutliveTheirKeysReplacement) {
    QuicKeys keys = QuicKeys::random();
    ConnectionIds ids(keys, 1, 2);
    const ConnectionId old = ids.issue({5, 1}, 0, std::byte{0});
    const ResetToken token = ids.reset_token(old);

    keys.sets.insert(keys.sets.begin(), KeySet::random(0, 3));
    ids.adopt(keys);
    const ConnectionId further = ids.issue({5, 1}, 1, std::byte{0}, 0);
    const ConnectionId fresh = ids.issue({6, 1}, 0, std::byte{0});
    EXPECT_EQ(ids.newest(), 3);
    for (const ConnectionId& id : {old, further, fresh}) {
        EXPECT_EQ(ids.read(id).origin, Origin::Current);
        EXPECT_EQ(ids.read(id).index, id == fresh ? 6u : 5u);
        EXPECT_EQ(std::to_integer<unsigned>(id[0]) % 2, 1u);
    }
    EXPECT_EQ(ids.reset_token(old), token);
    const ResetToken tokens[] = {ids.reset_token(further), ids.reset_token(fresh)};

    QuicKeys later = keys;
    ++later.epoch;
    const ConnectionIds next_life(later, 0, 1);
    EXPECT_EQ(next_life.read(old).origin, Origin::Earlier);
    EXPECT_EQ(next_life.reset_token(old), token);
    EXPECT_EQ(next_life.reset_token(further), tokens[0]);
    EXPECT_EQ(next_life.reset_token(fresh), tokens[1]);

    keys.sets.pop_back();
    ids.adopt(keys);
    EXPECT_EQ(ids.read(old).origin, Origin::Foreign);
    EXPECT_EQ(ids.read(further).origin, Origin::Foreign);
    EXPECT_EQ(ids.read(fresh).origin, Origin::Current);
}

TEST(Steer, LooksAtTheFirstByteOfTheId) {
    struct Case {
        std::initializer_list<unsigned> bytes;
        CoreId cores;
        CoreId core;
    };
    const Case cases[] = {
        {{}, 4, 0},
        {{0x43}, 4, 0},
        {{0x43, 6}, 4, 2},
        {{0x43, 255}, 64, 63},
        {{0xC3, 0, 0, 0, 1, 8}, 4, 0},
        {{0xC3, 0, 0, 0, 1, 8, 7}, 4, 3},
        {{0x80, 9, 9, 9, 9, 9, 5, 9}, 1, 0},
    };
    for (const Case& c : cases) {
        ByteVector datagram;
        for (const unsigned byte : c.bytes) datagram.push_back(static_cast<std::byte>(byte));
        EXPECT_EQ(steer(datagram, c.cores), c.core);
    }
}

}  // namespace
}  // namespace starling::quic
