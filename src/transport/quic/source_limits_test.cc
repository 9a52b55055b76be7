#include "transport/quic/source_limits.h"

#include <array>

#include <gtest/gtest.h>

namespace starling::quic {
namespace {

using Verdict = SourceLimits::Verdict;

constexpr HashKey kKey{1, 2};

SocketAddress address(const char* host) { return *SocketAddress::parse(host, 4711); }

class SourceLimitsTest : public testing::Test {
protected:
    // Of handshakes from `host`: as many as are admitted in a row, and why the next is not.
    struct Filled {
        std::vector<SourceLimits::Claim> claims;
        Verdict end = Verdict::Admit;
    };
    Filled fill(const char* host, bool has_answered) {
        Filled filled;
        const auto claim = limits.claim(address(host), has_answered);
        while (filled.claims.size() < 100 && (filled.end = limits.judge(claim)) == Verdict::Admit) {
            limits.enter(claim);
            filled.claims.push_back(claim);
        }
        return filled;
    }
    Verdict judge(const char* host, bool has_answered) {
        return limits.judge(limits.claim(address(host), has_answered));
    }

    const std::vector<AddressBlock> unlimited{*AddressBlock::parse("10.0.0.0/8"),
                                              *AddressBlock::parse("2001:db8:ff::/64")};
    SourceLimits limits{6, unlimited, kKey};
};

TEST_F(SourceLimitsTest, WhoHasAnsweredMayHaveAllPlacesAndWhoHasNotHalfOfThem) {
    struct Case {
        const char* what;
        const char *host, *other;  // of the same network
        bool has_answered;
        std::size_t admitted;
        Verdict then_unanswered, then_answered;
    };
    static constexpr Case cases[] = {
        {"none has answered", "192.0.2.7", "192.0.2.8", false, 3, Verdict::Prove, Verdict::Admit},
        {"all have answered", "198.51.100.7", "198.51.100.255", true, 6, Verdict::Refuse,
         Verdict::Refuse},
        {"IPv6", "2001:db8:1:2::3", "2001:db8:1:ffff::9", false, 3, Verdict::Prove, Verdict::Admit},
        {"IPv6, all", "2001:db8:2::1", "2001:db8:2:ffff::9", true, 6, Verdict::Refuse,
         Verdict::Refuse},
        {"IPv4 inside IPv6", "::ffff:203.0.113.1", "203.0.113.2", true, 6, Verdict::Refuse,
         Verdict::Refuse},
        {"unlimited", "10.1.2.3", "10.9.9.9", false, 100, Verdict::Admit, Verdict::Admit},
        {"unlimited inside IPv6", "::ffff:10.1.2.3", "10.9.9.9", false, 100, Verdict::Admit,
         Verdict::Admit},
        {"unlimited IPv6", "2001:db8:ff::1", "2001:db8:ff::2", false, 100, Verdict::Admit,
         Verdict::Admit},
        {"beside what is unlimited", "2001:db8:ff:1::1", "2001:db8:ff:2::1", true, 6,
         Verdict::Refuse, Verdict::Refuse},
    };
    for (const Case& c : cases) {
        const Filled filled = fill(c.host, c.has_answered);
        EXPECT_EQ(filled.claims.size(), c.admitted) << c.what;
        EXPECT_EQ(judge(c.other, false), c.then_unanswered) << c.what;
        EXPECT_EQ(judge(c.other, true), c.then_answered) << c.what;
        for (const auto& claim : filled.claims) limits.leave(claim);
        EXPECT_EQ(limits.networks(), 0u) << c.what;
    }
}

TEST_F(SourceLimitsTest, AfterAFloodOfUnansweredHalfThePlacesAreLeft) {
    EXPECT_EQ(fill("192.0.2.7", false).end, Verdict::Prove);
    const Filled honest = fill("192.0.2.200", true);
    EXPECT_EQ(honest.claims.size(), 3u);
    EXPECT_EQ(honest.end, Verdict::Refuse);
    EXPECT_EQ(judge("192.0.2.200", false), Verdict::Refuse) << "no Retry of which nothing comes";
}

TEST_F(SourceLimitsTest, OneNetworkTakesNothingFromAnother) {
    fill("192.0.2.7", true);
    fill("2001:db8:1::1", true);
    for (const char* host : {"192.0.3.7", "192.0.1.7", "2001:db8:2::1", "2001:db9:1::1"})
        EXPECT_EQ(judge(host, false), Verdict::Admit) << host;
    EXPECT_EQ(limits.networks(), 2u);
}

TEST_F(SourceLimitsTest, APlaceThatIsLeftIsFreeAgain) {
    const Filled unanswered = fill("192.0.2.7", false);
    const Filled answered = fill("192.0.2.7", true);
    limits.leave(answered.claims.front());
    EXPECT_EQ(judge("192.0.2.7", true), Verdict::Admit);
    EXPECT_EQ(judge("192.0.2.7", false), Verdict::Prove);
    limits.leave(unanswered.claims.front());
    EXPECT_EQ(judge("192.0.2.7", false), Verdict::Admit);
}

TEST_F(SourceLimitsTest, AtOnePlaceEverybodyIsAsked) {
    SourceLimits one(1, unlimited, kKey);
    const auto unproven = one.claim(address("192.0.2.7"), false);
    const auto proven = one.claim(address("192.0.2.7"), true);
    EXPECT_EQ(one.judge(unproven), Verdict::Prove);
    EXPECT_EQ(one.judge(proven), Verdict::Admit);
    one.enter(proven);
    EXPECT_EQ(one.judge(proven), Verdict::Refuse);
}

}  // namespace
}  // namespace starling::quic
