#include "transport/quic/quic_keys.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace starling::quic {
namespace {

constexpr std::uint64_t kDay = 86'400;
constexpr std::uint64_t kNow = 20'000 * kDay;

// Keys whose sets were made so many days ago, each in the place that its rank says.
QuicKeys made(std::initializer_list<std::uint64_t> days_ago) {
    QuicKeys keys = QuicKeys::random();
    keys.sets.clear();
    for (const std::uint64_t days : days_ago)
        keys.sets.push_back(
            KeySet::random(kNow - days * kDay, static_cast<std::uint8_t>(keys.sets.size())));
    return keys;
}

// The places of the sets, the newest first; in brackets of those that open ids alone.
std::string places(const QuicKeys& keys) {
    std::string text;
    for (const KeySet& set : keys.sets) {
        const std::string place(1, static_cast<char>('0' + set.place));
        text += set.opens_tokens() ? place : '(' + place + ')';
    }
    return text;
}

TEST(QuicKeys, AreRenewed) {
    struct Case {
        const char* what;
        std::initializer_list<std::uint64_t> days_ago;
        std::uint64_t period_days;
        const char* in_use;  // places
        const char* then;    // "": they stay as they are
    };
    static const Case cases[] = {
        {"young ones stay", {30}, 30, "", ""},
        {"old ones are replaced", {31}, 30, "", "10"},
        {"and never without a period", {5'000}, 0, "", ""},
        {"who was replaced stays for a week", {7, 31}, 30, "", ""},
        {"and then goes", {8, 31}, 30, "", "0"},
        {"without a period as well", {8, 31}, 0, "", "0"},
        {"with short periods sooner", {4, 5, 6, 7, 8, 9}, 1, "", "201"},
        {"or stays for its connections alone", {8, 38}, 30, "1", "0(1)"},
        {"whose newer ones may go before", {8, 38, 68}, 30, "2", "0(2)"},
        {"a free place is taken again", {31, 39, 69}, 30, "2", "10(2)"},
        {"with all places taken nothing changes", {2, 2, 2, 2, 2, 2, 2, 2}, 1, "", ""},
        {"one that is free at last is taken",
         {31, 61, 91, 121, 151, 181, 211, 241},
         30,
         "1234567",
         "0(1)(2)(3)(4)(5)(6)(7)"},
        {"and so on", {31, 61, 91, 121, 151, 181, 211, 241}, 30, "123456", "70(1)(2)(3)(4)(5)(6)"},
    };
    for (const Case& c : cases) {
        KeyPlaces in_use;
        for (const char* place = c.in_use; *place; ++place) in_use.set(std::size_t(*place - '0'));
        const QuicKeys keys = made(c.days_ago);
        const auto then = keys.renewed(kNow, {.period_s = c.period_days * kDay}, in_use);
        EXPECT_EQ(then ? places(*then) : "", c.then) << c.what;
        if (!then) continue;
        EXPECT_EQ(then->epoch, keys.epoch);
        EXPECT_FALSE(then->renewed(kNow, {.period_s = c.period_days * kDay}, in_use)) << c.what;
        for (const KeySet& set : then->sets) {
            const auto before = std::ranges::find(keys.sets, set.made_at_s, &KeySet::made_at_s);
            if (before == keys.sets.end()) EXPECT_EQ(set.made_at_s, kNow);
            else EXPECT_EQ(set.ids, before->ids);
        }
    }
}

TEST(QuicKeys, OfTheFutureAreGood) {
    const QuicKeys keys = QuicKeys::random(kNow + 40 * kDay);
    EXPECT_FALSE(keys.are_due(kNow, {}));
    EXPECT_FALSE(keys.renewed(kNow, {}, {}));
    EXPECT_TRUE(keys.are_due(kNow + 71 * kDay, {}));
}

}  // namespace
}  // namespace starling::quic
