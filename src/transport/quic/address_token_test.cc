#include "transport/quic/address_token.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace starling::quic {
namespace {

constexpr std::uint64_t kNow = 1'700'000'000;

SocketAddress address(const std::string& host, std::uint16_t port) {
    return *SocketAddress::parse(host, port);
}

const ByteVector kFirstId(18, std::byte{7});
const ByteVector kRetryId(17, std::byte{8});
const ByteVector kOtherId(17, std::byte{9});

TEST(AddressTokens, AreGoodForTheirAddressAndTime) {
    const AddressTokens tokens(QuicKeys::random());
    struct Case {
        const char* what;
        bool is_retry;
        std::string host;
        std::uint16_t port;
        std::uint64_t age_s;
        bool is_same_id;
        bool is_good;
    };
    const Case cases[] = {
        {"a Retry at once", true, "192.0.2.1", 4000, 0, true, true},
        {"a Retry of another port", true, "192.0.2.1", 4001, 0, true, false},
        {"a Retry of another address", true, "192.0.2.2", 4000, 0, true, false},
        {"a Retry under another id", true, "192.0.2.1", 4000, 0, false, false},
        {"an old Retry", true, "192.0.2.1", 4000, 10, true, true},
        {"too old a Retry", true, "192.0.2.1", 4000, 11, true, false},
        {"a NEW_TOKEN of another port", false, "192.0.2.1", 4001, 3'600, false, true},
        {"a NEW_TOKEN of another address", false, "192.0.2.2", 4000, 0, true, false},
        {"a NEW_TOKEN of IPv6", false, "2001:db8::1", 4000, 0, true, false},
        {"too old a NEW_TOKEN", false, "192.0.2.1", 4000, 7 * 24 * 3600 + 1, true, false},
    };
    const SocketAddress peer = address("192.0.2.1", 4000);
    for (const Case& c : cases) {
        const ByteVector token = c.is_retry ? tokens.for_retry(peer, kFirstId, kRetryId, kNow)
                                            : tokens.for_next_time(peer, 4711, kNow);
        EXPECT_LE(token.size(), AddressTokens::kBytesMax);
        EXPECT_EQ(AddressTokens::claims_retry(token), c.is_retry);
        const auto meaning = tokens.read(token, address(c.host, c.port),
                                         c.is_same_id ? kRetryId : kOtherId, kNow + c.age_s);
        ASSERT_EQ(meaning.has_value(), c.is_good) << c.what;
        if (!meaning) continue;
        EXPECT_EQ(meaning->is_retry, c.is_retry) << c.what;
        if (c.is_retry) EXPECT_EQ(meaning->first_id, kFirstId);
        else EXPECT_EQ(meaning->slot, 4711);
    }
}

TEST(AddressTokens, AreOfOneKey) {
    const AddressTokens tokens(QuicKeys::random()), others(QuicKeys::random());
    const SocketAddress peer = address("2001:db8::1", 4000);
    const ByteVector token = tokens.for_retry(peer, kFirstId, kRetryId, kNow);
    EXPECT_TRUE(tokens.read(token, peer, kRetryId, kNow));
    EXPECT_FALSE(others.read(token, peer, kRetryId, kNow));
    EXPECT_FALSE(tokens.read(token, peer, kRetryId, kNow - 1));
}

TEST(AddressTokens, AreOpenedWithEachKeyThatIsNotWiped) {
    QuicKeys keys = QuicKeys::random();
    AddressTokens tokens(keys);
    const SocketAddress peer = address("192.0.2.1", 4000);
    const ByteVector old = tokens.for_next_time(peer, 7, kNow);
    const auto is_good = [&](const ByteVector& token) {
        return tokens.read(token, peer, kOtherId, kNow).has_value();
    };

    keys.sets.insert(keys.sets.begin(), KeySet::random(kNow, 1));
    tokens.adopt(keys);
    const ByteVector fresh = tokens.for_next_time(peer, 7, kNow);
    EXPECT_TRUE(is_good(old));
    EXPECT_TRUE(is_good(fresh));
    AddressTokens newest_only(QuicKeys{.sets = {keys.newest()}});
    EXPECT_TRUE(newest_only.read(fresh, peer, kOtherId, kNow));
    EXPECT_FALSE(newest_only.read(old, peer, kOtherId, kNow));

    keys.sets.back().tokens = {};
    const AddressTokens forger(QuicKeys{.sets = {keys.sets.back()}});
    const ByteVector forged = forger.for_next_time(peer, 7, kNow);
    keys.sets.back().tickets = {};
    tokens.adopt(keys);
    EXPECT_FALSE(is_good(old));
    EXPECT_FALSE(is_good(forged)) << "a key that is wiped is none";
    EXPECT_TRUE(is_good(fresh));
}

TEST(AddressTokens, AnyOtherBytesAreNone) {
    const AddressTokens tokens(QuicKeys::random());
    const SocketAddress peer = address("192.0.2.1", 4000);
    const ByteVector good = tokens.for_retry(peer, kFirstId, kRetryId, kNow);
    for (std::size_t at = 0; at < good.size(); ++at) {
        ByteVector bad = good;
        bad[at] ^= std::byte{1};
        EXPECT_FALSE(tokens.read(bad, peer, kRetryId, kNow)) << at;
        EXPECT_FALSE(tokens.read(Bytes(good).first(at), peer, kRetryId, kNow)) << at;
    }
    EXPECT_FALSE(tokens.read(ByteVector(1'000), peer, kRetryId, kNow));
}

}  // namespace
}  // namespace starling::quic
