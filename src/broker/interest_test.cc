#include "broker/interest.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "base/random.h"
#include "mqtt/topic.h"

namespace starling {
namespace {

constexpr HashKey kKey = {1, 2};

std::set<CoreId> members(CoreSet set) {
    std::set<CoreId> cores;
    set.for_each([&](CoreId core) { cores.insert(core); });
    return cores;
}

class InterestTest : public testing::Test {
protected:
    static InterestChange change(const Fingerprints& fingerprints, const std::string& filter,
                                 bool is_wanted) {
        InterestChange made;
        if (has_wildcard(filter)) made.wildcard = filter;
        else made.fingerprint = fingerprints.of(filter);
        made.is_wanted = is_wanted;
        return made;
    }
    void apply(CoreId core, const std::string& filter, bool is_wanted) {
        interest.apply(core, change(fingerprints, filter, is_wanted));
    }
    std::set<CoreId> cores_for(std::string_view topic) const {
        return members(interest.cores_for(hashed(kKey, topic)));
    }

    Fingerprints fingerprints{kKey};
    Interest interest{kKey, fingerprints};
};

TEST_F(InterestTest, KnowsWhichCoresWantATopic) {
    EXPECT_TRUE(cores_for("a").empty());
    apply(1, "a", true);
    apply(63, "a", true);
    apply(2, "+", true);
    apply(3, "#", true);
    apply(4, "a/b", true);
    EXPECT_EQ(cores_for("a"), (std::set<CoreId>{1, 2, 3, 63}));
    EXPECT_EQ(cores_for("a/b"), (std::set<CoreId>{3, 4}));
    EXPECT_EQ(cores_for("$SYS/a"), (std::set<CoreId>{})) << "[MQTT-4.7.2-1]";
}

TEST_F(InterestTest, TheEndOfOneCoresInterestLeavesTheOthers) {
    for (CoreId core = 1; core <= 2; ++core) {
        apply(core, "a", true);
        apply(core, "a/#", true);
    }
    apply(1, "a", false);
    EXPECT_EQ(cores_for("a"), (std::set<CoreId>{1, 2})) << "by a/#";
    apply(1, "a/#", false);
    EXPECT_EQ(cores_for("a"), (std::set<CoreId>{2}));
    EXPECT_EQ(cores_for("a/b"), (std::set<CoreId>{2}));
    apply(2, "a", false);
    apply(2, "a/#", false);
    EXPECT_TRUE(cores_for("a").empty());
    EXPECT_TRUE(cores_for("a/b").empty());
}

// Cores announce what they want of random filters: by 48 bits exactly they are found, by fewer at
// least they.
TEST_F(InterestTest, BehavesLikeAListOfEveryCoresFilters) {
    constexpr CoreId kCores = 4;
    for (const unsigned bits : {2u, 8u, 48u}) {
        const Fingerprints prints(kKey, bits);
        Interest told(kKey, prints);
        Random random(bits);
        std::set<std::pair<CoreId, std::string>> wanted;          // by the cores' clients
        std::map<std::pair<CoreId, std::uint64_t>, int> counted;  // what their announcers count
        const auto toggle = [&](CoreId core, const std::string& filter) {
            const bool is_wanted = wanted.erase({core, filter}) == 0;
            if (is_wanted) wanted.insert({core, filter});
            if (!has_wildcard(filter)) {
                int& count = counted[{core, prints.of(filter)}];
                const int before = std::exchange(count, count + (is_wanted ? 1 : -1));
                if (before != 0 && count != 0) return;
            }
            told.apply(core, change(prints, filter, is_wanted));
        };
        for (int step = 0; step < 20'000; ++step) {
            const auto core = static_cast<CoreId>(random.below(kCores));
            const std::string number = std::to_string(random.below(300));
            const std::uint32_t kind = random.below(8);
            toggle(core, kind == 0   ? "+/" + number
                         : kind == 1 ? "t/" + number + "/#"
                                     : "t/" + number);
            const std::string topic = "t/" + std::to_string(random.below(300));
            std::set<CoreId> expected;
            for (CoreId one = 0; one < kCores; ++one)
                for (const std::string& filter : {topic, topic + "/#", "+" + topic.substr(1)})
                    if (wanted.contains({one, filter})) expected.insert(one);
            const std::set<CoreId> found = members(told.cores_for(hashed(kKey, topic)));
            if (bits == 48) {
                ASSERT_EQ(found, expected) << topic << ", step " << step;
            }
            for (const CoreId one : expected)
                ASSERT_TRUE(found.contains(one)) << bits << " bits, step " << step << ", " << topic;
        }
        for (const auto& [core, filter] : std::set(wanted)) toggle(core, filter);
        for (int i = 0; i < 300; ++i)
            EXPECT_TRUE(members(told.cores_for(hashed(kKey, "t/" + std::to_string(i)))).empty());
    }
}

}  // namespace
}  // namespace starling
