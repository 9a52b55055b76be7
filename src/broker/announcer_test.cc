#include "broker/announcer.h"

#include <deque>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/random.h"

namespace starling {
namespace {

constexpr HashKey kKey = {1, 2};

// --- Counting ------------------------------------------------------------------------------------

TEST(FingerprintCounts, CountAsAMapDoes) {
    for (const std::uint64_t values : {2u, 16u, 3'000u}) {
        FingerprintCounts counts;
        std::map<std::uint64_t, int> model;
        Random random(values);
        for (int step = 0; step < 30'000; ++step) {
            const bool is_growing = step / 3'000 % 2 == 0;
            // Both halves of a fingerprint tell them apart.
            const std::uint64_t number = random.below(static_cast<std::uint32_t>(values));
            const std::uint64_t one = number << 31 | (number & 3);
            if (random.below(10) < (is_growing ? 7u : 3u)) {
                ASSERT_EQ(counts.add(one), ++model[one] == 1) << "step " << step;
            } else if (model.contains(one)) {
                const bool is_last = --model[one] == 0;
                ASSERT_EQ(counts.remove(one), is_last) << "step " << step;
                if (is_last) model.erase(one);
            }
        }
    }
}

// --- Announcing ----------------------------------------------------------------------------------

// Another core, as simple as can be: what it was told to want. A second announcement of what it
// knows already, or the end of what it does not, is a fault of whoever tells it.
struct Listener {
    void take(const InterestChanges& changes) {
        for (const InterestChange& one : changes.values) {
            const std::string name =
                one.wildcard.empty() ? std::to_string(one.fingerprint) : one.wildcard;
            const bool was_right =
                one.is_wanted ? known.insert(name).second : known.erase(name) == 1;
            EXPECT_TRUE(was_right) << name;
        }
    }
    std::set<std::string> known;
};

class AnnouncerTest : public testing::Test {
protected:
    explicit AnnouncerTest(unsigned bits = 48) : fingerprints(kKey, bits) {}

    // A filter that collides with `filter`.
    std::string twin_of(const std::string& filter) const {
        for (int i = 0;; ++i) {
            const std::string other = "twin" + std::to_string(i);
            if (other != filter && fingerprints.of(other) == fingerprints.of(filter)) return other;
        }
    }
    // The next round goes to one listener and comes back.
    Ref<const InterestChanges> run_round() {
        const auto changes = announcer.begin(1);
        EXPECT_TRUE(announcer.confirm());
        return changes;
    }

    Fingerprints fingerprints;
    Announcer announcer{fingerprints, true};
};

class CollidingAnnouncerTest : public AnnouncerTest {
protected:
    CollidingAnnouncerTest() : AnnouncerTest(1) {}
};

TEST_F(AnnouncerTest, AFilterIsVisibleWhenAllHaveConfirmedIt) {
    for (const char* filter : {"a/b", "a/+"}) {
        EXPECT_TRUE(announcer.is_visible(filter)) << "nobody waits for what nobody wants";
        announcer.want(filter);
        EXPECT_FALSE(announcer.is_visible(filter));
        const std::uint64_t round = announcer.last();
        EXPECT_GT(round, announcer.confirmed());
        const auto changes = announcer.begin(2);
        ASSERT_EQ(changes->values.size(), 1u);
        EXPECT_TRUE(changes->values[0].is_wanted);
        EXPECT_FALSE(announcer.is_visible(filter));
        EXPECT_FALSE(announcer.confirm());
        EXPECT_FALSE(announcer.is_visible(filter)) << "one core has yet to hear of it";
        EXPECT_TRUE(announcer.confirm());
        EXPECT_TRUE(announcer.is_visible(filter));
        EXPECT_EQ(announcer.confirmed(), round);
    }
}

TEST_F(AnnouncerTest, AloneItAnnouncesNothing) {
    Announcer alone(fingerprints, false);
    alone.want("a");
    alone.want("#");
    EXPECT_TRUE(alone.is_visible("a") && alone.is_visible("#"));
    EXPECT_FALSE(alone.can_begin());
    alone.forget("a");
    EXPECT_FALSE(alone.can_begin());
}

TEST_F(AnnouncerTest, WildcardsGoByTheirText) {
    announcer.want("a/+");
    EXPECT_EQ(run_round()->values[0].wildcard, "a/+");
    announcer.forget("a/+");
    const auto changes = run_round();
    ASSERT_EQ(changes->values.size(), 1u);
    EXPECT_EQ(changes->values[0].wildcard, "a/+");
    EXPECT_FALSE(changes->values[0].is_wanted);
}

TEST_F(CollidingAnnouncerTest, WithdrawingOneOfTwoThatCollideWithdrawsNothing) {
    const std::string twin = twin_of("a");
    announcer.want("a");
    run_round();
    announcer.want(twin);
    EXPECT_FALSE(announcer.can_begin()) << "the others know";
    EXPECT_TRUE(announcer.is_visible(twin));
    announcer.forget("a");
    EXPECT_FALSE(announcer.can_begin());
    EXPECT_TRUE(announcer.is_visible(twin));
    announcer.forget(twin);
    EXPECT_TRUE(announcer.can_begin());
    EXPECT_FALSE(run_round()->values[0].is_wanted);
}

TEST_F(CollidingAnnouncerTest, ATwinOfAFilterOnItsWayIsNotVisibleBeforeIt) {
    const std::string twin = twin_of("a");
    announcer.want("a");
    announcer.begin(1);
    announcer.want(twin);
    EXPECT_FALSE(announcer.is_visible(twin));
    announcer.forget("a");
    EXPECT_FALSE(announcer.is_visible(twin));
    EXPECT_TRUE(announcer.confirm());
    EXPECT_TRUE(announcer.is_visible(twin));
}

// Every order of so many steps: a filter comes or goes, a round begins, it ends. Whatever is
// visible the listener knows, and whatever is wanted is visible in the end.
TEST_F(AnnouncerTest, WhatIsVisibleTheOthersKnowInEveryInterleaving) {
    constexpr int kSteps = 9;
    for (const std::string filter : {"a", "+"}) {
        const std::string name = filter == "a" ? std::to_string(fingerprints.of("a")) : filter;
        for (int order = 0; order < 1 << kSteps; ++order) {
            Announcer one(fingerprints, true);
            Listener listener;
            bool is_wanted = false;
            Ref<const InterestChanges> on_its_way;
            // A round is delivered and confirmed in one step: nobody can look between.
            const auto turn_round = [&] {
                if (on_its_way) {
                    listener.take(*on_its_way);
                    on_its_way = {};
                    one.confirm();
                }
                if (one.can_begin()) on_its_way = one.begin(1);
            };
            for (int step = 0; step < kSteps; ++step) {
                if (order >> step & 1) {
                    turn_round();
                } else {
                    if (is_wanted) one.forget(filter);
                    else one.want(filter);
                    is_wanted = !is_wanted;
                }
                const bool is_promised = is_wanted && one.is_visible(filter);
                ASSERT_TRUE(!is_promised || listener.known.contains(name))
                    << filter << ", order " << order << ", step " << step;
            }
            while (on_its_way || one.can_begin()) turn_round();
            ASSERT_EQ(listener.known.contains(name), is_wanted) << filter << ", order " << order;
            ASSERT_TRUE(one.is_visible(filter)) << filter << ", order " << order;
            ASSERT_EQ(one.last(), one.confirmed());
        }
    }
}

// The same of several filters that collide, at random.
TEST(Announcer, WhatIsVisibleTheOthersKnowAmongCollisions) {
    for (const unsigned bits : {1u, 2u, 4u, 8u, 48u}) {
        const Fingerprints fingerprints(kKey, bits);
        Announcer announcer(fingerprints, true);
        Random random(bits);
        Listener listener;
        std::set<std::string> wanted;
        Ref<const InterestChanges> on_its_way;
        const auto known = [&](const std::string& filter) {
            return listener.known.contains(
                filter.ends_with('#') ? filter : std::to_string(fingerprints.of(filter)));
        };
        for (int step = 0; step < 20'000; ++step) {
            const std::string filter =
                std::to_string(random.below(40)) + (random.below(4) == 0 ? "/#" : "");
            if (wanted.erase(filter)) {
                announcer.forget(filter);
            } else {
                announcer.want(filter);
                wanted.insert(filter);
            }
            if (on_its_way && random.below(4) == 0) {
                listener.take(*on_its_way);
                on_its_way = {};
                announcer.confirm();
            }
            if (announcer.can_begin() && random.below(2) == 0) on_its_way = announcer.begin(1);
            for (const std::string& one : wanted)
                ASSERT_TRUE(!announcer.is_visible(one) || known(one))
                    << bits << " bits, step " << step << ", " << one;
        }
        while (on_its_way || announcer.can_begin()) {
            if (!on_its_way) on_its_way = announcer.begin(1);
            listener.take(*on_its_way);
            on_its_way = {};
            announcer.confirm();
        }
        std::set<std::string> left;
        for (const std::string& one : wanted) {
            EXPECT_TRUE(announcer.is_visible(one) && known(one)) << one;
            left.insert(one.ends_with('#') ? one : std::to_string(fingerprints.of(one)));
        }
        EXPECT_EQ(listener.known, left) << bits << " bits";
    }
}

}  // namespace
}  // namespace starling
