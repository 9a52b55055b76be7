#include "app/bench_arguments.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

namespace starling {
namespace {

constexpr std::uint64_t kDescriptors = 20'000;

TEST(BenchArguments, EachModeHasItsDefaults) {
    struct Case {
        const char* mode;
        std::uint32_t first, second;  // clients of the groups
        std::uint32_t window;
        std::uint32_t duration_s;
    };
    static constexpr Case cases[] = {
        {"conn", 1'000, 0, 0, 0},  {"pub", 10, 0, 0, 10},      {"sub", 10, 0, 0, 10},
        {"p2p", 100, 100, 32, 10}, {"fanout", 1, 100, 32, 10}, {"fanin", 100, 1, 8, 10},
    };
    for (const Case& c : cases) {
        BenchFlags flags;
        flags.mode = c.mode;
        const auto arguments = understand(flags, kDescriptors, 7);
        ASSERT_TRUE(arguments) << c.mode << ": " << arguments.error().text;
        const auto& groups = arguments->scenario.groups;
        EXPECT_EQ(groups[0].count, c.first) << c.mode;
        EXPECT_EQ(groups.size() > 1 ? groups[1].count : 0, c.second) << c.mode;
        if (!groups[0].publishes.empty()) {
            EXPECT_EQ(groups[0].publishes[0].window, c.window) << c.mode;
            EXPECT_EQ(groups[0].publishes[0].per_second, 0) << c.mode;
        }
        EXPECT_EQ(arguments->scenario.duration_s, c.duration_s) << c.mode;
        EXPECT_EQ(arguments->scenario.run, 7);
    }
}

TEST(BenchArguments, TakesAsManyProcessesAsTheirDescriptorsNeed) {
    BenchFlags flags;
    flags.mode = "conn";
    flags.clients = 60'000;
    EXPECT_EQ(understand(flags, kDescriptors, 0)->scenario.processes, 4u);
    flags.processes = 3;
    EXPECT_FALSE(understand(flags, kDescriptors, 0));
    flags.processes = 9;
    EXPECT_EQ(understand(flags, kDescriptors, 0)->scenario.processes, 9u);
}

TEST(BenchArguments, OverQuicManyShareADescriptor) {
    BenchFlags flags;
    flags.mode = "conn";
    flags.clients = 60'000;
    flags.host = "localhost";
    EXPECT_EQ(understand(flags, kDescriptors, 0)->scenario.port, 1883);
    flags.quic = {.is_quic = true, .is_insecure = true};
    const auto arguments = understand(flags, kDescriptors, 0);
    ASSERT_TRUE(arguments) << arguments.error().text;
    EXPECT_EQ(arguments->scenario.processes, 1u);
    EXPECT_EQ(arguments->scenario.port, 14'567);
    EXPECT_EQ(arguments->scenario.server_name, "localhost");
    ASSERT_TRUE(arguments->scenario.quic);
    EXPECT_TRUE(arguments->scenario.quic->is_anybody_trusted);
}

TEST(BenchArguments, RefusesWhatMakesNoSense) {
    struct Case {
        const char* mode;
        void (*change)(BenchFlags&);
        const char* said;
    };
    static constexpr Case cases[] = {
        {"pub", [](BenchFlags& f) { f.window = 1; },
         "nobody answers for QoS 0 in pub: no --window, but perhaps a --rate"},
        {"p2p", [](BenchFlags& f) { f.broker_process = 0x3FFFFFFF; },
         "--broker-pid: there is no process 1073741823"},
        {"mixed", [](BenchFlags&) {}, "mixed needs --profile FILE"},
        {"p2p", [](BenchFlags& f) { f.topic = "a/#"; },
         "--topic is a topic without wildcards that begins with no $, not 'a/#'"},
        {"p2p", [](BenchFlags& f) { f.topic = "$SYS"; },
         "--topic is a topic without wildcards that begins with no $, not '$SYS'"},
        {"p2p", [](BenchFlags& f) { f.topic = std::string(1'001, 'x'); },
         "--topic and --shared have 1000 bytes at most"},
        {"fanin", [](BenchFlags& f) { f.share = "a/b"; },
         "--shared is a name without / + and #, not 'a/b'"},
        {"p2p", [](BenchFlags& f) { f.rate = std::nan(""); },
         "--rate and --connect-rate are numbers"},
        {"mixed", [](BenchFlags& f) { f.profile = "/"; }, "/: a directory"},
        {"p2p", [](BenchFlags& f) { f.quic = {.is_quic = true, .authority_file = "/absent"}; },
         "/absent: No such file or directory"},
        {"fanin", [](BenchFlags& f) { f.processes = 2; },
         "a --window at QoS 0 is watched by subscribers in each of 2 processes: more subscribers "
         "that share nothing, or a --rate"},
        {"fanout", [](BenchFlags& f) { f.publishers = 20'000, f.subscribers = 20'000, f.rate = 1; },
         "400000000 pairs of publisher and subscriber are too many: 100000000 at most"},
    };
    for (const Case& c : cases) {
        BenchFlags flags;
        flags.mode = c.mode;
        c.change(flags);
        const auto arguments = understand(flags, kDescriptors, 0);
        ASSERT_FALSE(arguments) << c.said;
        EXPECT_EQ(arguments.error().text, c.said);
        EXPECT_EQ(arguments.error().status, 1);
    }
}

}  // namespace
}  // namespace starling
