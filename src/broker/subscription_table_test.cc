#include "broker/subscription_table.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace starling {
namespace {

constexpr std::uint32_t kNone = SubscriptionTable::kNone;
constexpr HashKey kKey{1, 2};

class SubscriptionTableTest : public testing::Test {
protected:
    // As if this core were the home of every group too.
    std::uint32_t add(std::uint32_t session, std::string_view filter) {
        const std::uint32_t at = table.add(session, first(session), filter, {});
        if (table.is_shared(table[at])) table.join(filter, member(at));
        return at;
    }
    void remove(std::uint32_t session, std::string_view filter) {
        const std::uint32_t at = table.find(first(session), filter);
        ASSERT_NE(at, kNone) << filter;
        if (table.is_shared(table[at])) table.leave(filter, member(at));
        table.remove(first(session), at);
    }
    RemoteHandle member(std::uint32_t subscription) const {
        return {0, table.handle(subscription)};
    }
    std::uint32_t& first(std::uint32_t session) {
        return heads.try_emplace(session, kNone).first->second;
    }

    // "session ..." of the ordinary ones and "name:session,session ..." of the groups.
    std::string targets(std::string_view topic) {
        std::multiset<std::string> out;
        table.match(hashed(kKey, topic), [&](std::uint32_t filter) {
            for (auto at = table.first_subscription(filter); at != kNone;
                 at = table[at].next_in_filter)
                out.insert(std::to_string(table[at].session));
            for (auto at = table.first_group(filter); at != kNone;
                 at = table.group(at).next_in_filter) {
                std::string text = table.group(at).name + ':';
                for (const auto& one : table.group(at).members)
                    text += std::to_string(session_of(one)) + ',';
                out.insert(text);
            }
        });
        std::string all;
        for (const auto& one : out) all += one + ' ';
        return all;
    }
    std::uint32_t session_of(const ShareGroup::Member& one) {
        return table[one.subscription.handle.index].session;
    }
    // The first group of the filter "a".
    std::uint32_t group_of_a() {
        std::uint32_t group = kNone;
        table.match(hashed(kKey, "a"),
                    [&](std::uint32_t filter) { group = table.first_group(filter); });
        return group;
    }

    Fingerprints fingerprints{kKey};
    Announcer announcer{fingerprints, true};
    SubscriptionTable table{kKey, announcer};
    std::map<std::uint32_t, std::uint32_t> heads;
};

TEST_F(SubscriptionTableTest, FindsOrdinaryAndSharedOnesApart) {
    add(1, "a/b");
    add(2, "a/+");
    add(2, "$share/g/a/b");
    add(3, "$share/g/a/b");
    add(3, "$share/h/a/+");
    EXPECT_EQ(targets("a/b"), "1 2 g:2,3, h:3, ");
    EXPECT_EQ(targets("a/c"), "2 h:3, ");
    EXPECT_EQ(table.size(), 5u);
    EXPECT_EQ(table.shared_size(), 3u);

    EXPECT_EQ(table.find(first(2), "a/b"), kNone);
    EXPECT_EQ(table.find(first(3), "$share/g/a/+"), kNone);
    EXPECT_EQ(table.find(first(3), "$share/none/a/b"), kNone);
    for (const char* one : {"$share/g/a/b", "$share/h/a/+"})
        EXPECT_EQ(table.filter_text(table[table.find(first(3), one)]), one);
    EXPECT_EQ(table.filter_text(table[table.find(first(2), "a/+")]), "a/+");
    EXPECT_EQ(table.filter_text(table[table.find(first(1), "a/b")]), "a/b");
    EXPECT_EQ(targets("$share/g/a/b"), "");

    remove(1, "a/b");
    remove(3, "$share/g/a/b");
    EXPECT_EQ(targets("a/b"), "2 g:2, h:3, ");
}

TEST_F(SubscriptionTableTest, AGroupsHandleDiesWithItsLastMember) {
    add(1, "$share/g/a");
    add(2, "$share/g/a");
    const Handle group = table.group_handle(group_of_a());
    remove(1, "$share/g/a");
    EXPECT_NE(table.find_group(group), nullptr);
    remove(2, "$share/g/a");
    EXPECT_EQ(table.find_group(group), nullptr);
    add(1, "$share/g/a");
    EXPECT_EQ(table.find_group(group), nullptr);
}

TEST_F(SubscriptionTableTest, TheTurnStaysWithWhoseItWas) {
    struct Case {
        std::uint32_t cursor, leaver, next;
    };
    // Members 0 to 3; after one has left, the turn is with...
    for (const Case& one : {Case{2, 0, 2}, {2, 1, 2}, {2, 2, 3}, {2, 3, 2}, {3, 3, 0}, {0, 0, 1}}) {
        for (std::uint32_t session = 0; session < 4; ++session) add(session, "$share/g/a");
        table.group(group_of_a()).cursor = one.cursor;
        remove(one.leaver, "$share/g/a");
        const ShareGroup& group = table.group(group_of_a());
        EXPECT_EQ(session_of(group.from(group.cursor)), one.next)
            << one.cursor << " without " << one.leaver;
        for (std::uint32_t session = 0; session < 4; ++session)
            if (session != one.leaver) remove(session, "$share/g/a");
    }
}

TEST_F(SubscriptionTableTest, AnnouncesFirstAndLastInterest) {
    const auto changes = [&] {
        std::string text;
        if (!announcer.can_begin()) return text;
        const auto begun = announcer.begin(1);
        for (const InterestChange& one : begun->values)
            text += (one.is_wanted ? '+' : '-') + (one.wildcard.empty() ? "exact" : one.wildcard);
        announcer.confirm();
        return text;
    };
    add(1, "a");
    add(2, "a");
    add(1, "b/#");
    EXPECT_EQ(changes(), "+exact+b/#");
    add(3, "$share/g/a");  // somebody wants it already
    EXPECT_EQ(changes(), "");
    remove(1, "a");
    remove(2, "a");
    EXPECT_EQ(changes(), "");
    remove(3, "$share/g/a");
    remove(1, "b/#");
    EXPECT_EQ(changes(), "-exact-b/#");
}

TEST_F(SubscriptionTableTest, AgreesWithAModel) {
    const char* filters[] = {"a",          "a/b",          "+",          "a/#",
                             "$share/g/a", "$share/g/a/b", "$share/h/a", "$share/g/a/#"};
    Random random(3);
    std::map<std::pair<std::uint32_t, std::string>, bool> model;
    for (int step = 0; step < 5'000; ++step) {
        const std::uint32_t session = random.below(6);
        const char* filter = filters[random.below(std::size(filters))];
        auto& is_there = model[{session, filter}];
        ASSERT_EQ(table.find(first(session), filter) != kNone, is_there);
        if (is_there) remove(session, filter);
        else add(session, filter);
        is_there = !is_there;

        for (const std::string topic : {"a", "a/b", "b"}) {
            std::string expected, actual = targets(topic);
            std::size_t members = 0, ordinary = 0;
            for (const auto& [key, is_on] : model) {
                const std::string_view text = key.second;
                const bool is_shared = text.starts_with("$share/");
                if (is_on && matches(is_shared ? text.substr(9) : text, topic))
                    ++(is_shared ? members : ordinary);
            }
            ASSERT_EQ(std::count(actual.begin(), actual.end(), ','), std::ptrdiff_t(members));
            ASSERT_EQ(std::count(actual.begin(), actual.end(), ' ') -
                          std::count(actual.begin(), actual.end(), ':'),
                      std::ptrdiff_t(ordinary));
        }
    }
    for (auto& [session, head] : heads)
        while (head != kNone) remove(session, table.filter_text(table[head]));
    EXPECT_EQ(table.size(), 0u);
    EXPECT_EQ(table.shared_size(), 0u);
    EXPECT_EQ(targets("a") + targets("a/b") + targets("b"), "");
}

}  // namespace
}  // namespace starling
