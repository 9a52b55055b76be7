#include "load/publication.h"

#include <utility>

#include <gtest/gtest.h>

#include "client/testing.h"

namespace starling {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint8_t kRun = 5;

LoadScenario scenario_of(PublishPlan plan) {
    plan.topic = "t";
    LoadScenario scenario;
    scenario.run = kRun;
    scenario.groups.push_back({.name = "p", .publishes = {std::move(plan)}, .subscribes = {}});
    return scenario;
}

// The publisher of one flow, and its server in the hands of the test. Owner: the test.
struct Rig : ClientRig {
    explicit Rig(PublishPlan plan)
        : ClientRig({.version = Version::V4}),
          scenario(scenario_of(std::move(plan))) {
        site.payload.resize(kStampBytes);
        site.is_publishing = true;
        site.count_from_ns = 0;
        connect(kAccepted3);
    }

    // Runs the publication at this moment; returns the due times of what it has sent.
    std::vector<std::uint64_t> run(std::uint64_t now_ns) {
        site.runnable.clear();
        publication.run(now_ns);
        turn();
        const ByteVector written = std::exchange(wire().from_client, {});
        std::vector<std::uint64_t> due;
        for (Bytes rest = written; !rest.empty();) {
            const auto frame = *next_frame(rest, kPacketBytesMax);
            const auto stamp = *read_stamp(rest.first(frame.size).last(kStampBytes));
            EXPECT_EQ(stamp.run, kRun);
            EXPECT_EQ(stamp.sequence, sent++);
            due.push_back(stamp.due_ns);
            rest = rest.subspan(frame.size);
        }
        return due;
    }

    LoadScenario scenario;
    Roster roster{scenario};
    LoadSite site{.scenario = scenario, .roster = roster};
    Publication publication{site, client(), 0};
    std::uint32_t sent = 0;
};

using Dues = std::vector<std::uint64_t>;

TEST(Publication, OpenLoopSaysWhenALateMessageWasDue) {
    Rig rig({.per_second = 1'000});
    const OpenSchedule schedule(1'000, 1, {0}, 0);
    rig.publication.follow(schedule);
    EXPECT_EQ(rig.run(0), Dues{}) << "none is due";
    rig.publication.on_due();
    EXPECT_EQ(rig.run(0), Dues{0});
    for (int late = 0; late < 3; ++late) rig.publication.on_due();
    EXPECT_EQ(rig.run(900 * kMs), (Dues{1 * kMs, 2 * kMs, 3 * kMs}));
}

// The broker takes nothing for a while: the schedule goes on, and what waited tells it.
TEST(Publication, OpenLoopDoesNotOmitWhatTheBrokerHeldUp) {
    Rig rig({.qos = Qos::AtLeastOnce, .per_second = 1'000});
    rig.make({.version = Version::V4, .inflight_max = 1});
    rig.connect(kAccepted3);
    Publication held(rig.site, rig.client(), 0);
    const OpenSchedule schedule(1'000, 1, {0}, 0);
    held.follow(schedule);
    for (int due = 0; due < 4; ++due) held.on_due();
    held.run(10 * kMs);
    EXPECT_EQ(held.sent(), 1u);
    rig.turn();
    rig.say("4002 0001");
    held.run(50 * kMs);
    EXPECT_EQ(held.sent(), 2u);

    rig.site.count_until_ns = 100 * kMs;
    held.stop(100 * kMs);
    EXPECT_EQ(rig.site.tally[Figure::Unsent], 2u);
    EXPECT_EQ(rig.site.tally.latency_ns.count(), 2u) << "those that never left count, too";
    EXPECT_EQ(rig.site.tally.latency_ns.max(), 98 * kMs) << "with the time that they have waited";
}

TEST(Publication, ClosedLoopGoesByAnswersAndArrivals) {
    struct Case {
        Qos qos;
        std::uint32_t receivers;
        std::size_t first, after_answers, after_arrivals;  // messages sent
    };
    static constexpr Case cases[] = {
        {Qos::AtMostOnce, 1, 2, 0, 2},
        {Qos::AtMostOnce, 3, 2, 0, 2},
        {Qos::AtLeastOnce, 0, 2, 2, 0},
        {Qos::AtLeastOnce, 1, 2, 0, 2},
    };
    for (const Case& c : cases) {
        Rig rig({.qos = c.qos, .window = 2});
        rig.publication.await_arrivals(c.receivers);
        EXPECT_EQ(rig.run(1).size(), c.first);
        if (c.qos == Qos::AtLeastOnce) rig.say("4002 0001 4002 0002");
        EXPECT_EQ(rig.run(2).size(), c.after_answers);
        rig.publication.on_arrived(2 * c.receivers);
        EXPECT_EQ(rig.run(3).size(), c.after_arrivals);
    }
}

TEST(Publication, ClosedLoopGivesUpWhatDoesNotArrive) {
    Rig rig({.window = 2});
    rig.publication.await_arrivals(1);
    EXPECT_EQ(rig.run(1).size(), 2u);
    rig.publication.look_for_stall();
    EXPECT_EQ(rig.run(2).size(), 0u) << "it has just begun";
    rig.publication.look_for_stall();
    EXPECT_EQ(rig.site.tally[Figure::GivenUp], 2u);
    EXPECT_EQ(rig.run(3).size(), 2u);
}

TEST(Publication, SendsNoMoreThanItsPlanSays) {
    Rig rig({.window = 5, .messages_max = 1});
    rig.publication.await_arrivals(0);
    EXPECT_EQ(rig.run(1).size(), 1u);
}

TEST(Publication, MeasuresAnswersWhereNobodyReceives) {
    Rig rig({.qos = Qos::AtLeastOnce, .window = 1});
    rig.site.measures_answers = true;
    rig.run(1);
    EXPECT_EQ(rig.site.unanswered, 1u);
    rig.say("4002 0001");
    EXPECT_EQ(rig.site.unanswered, 0u);
    EXPECT_EQ(rig.site.tally[Figure::AnsweredCounted], 1u);
    EXPECT_EQ(rig.site.tally.latency_ns.count(), 1u);
}

}  // namespace
}  // namespace starling
