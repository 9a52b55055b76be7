#include "config/options.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace starling {
namespace {

using namespace std::string_view_literals;
using testing::HasSubstr;

TEST(Options, HaveOneNameAndVariableEach) {
    std::set<std::string> names, variables;
    for (const Option& option : all_options()) {
        EXPECT_TRUE(names.insert(option.name).second) << option.name;
        EXPECT_TRUE(variables.insert(variable_of(option)).second) << option.name;
        EXPECT_EQ(find_option(option.name), &option);
    }
}

TEST(Options, TakeTheirOwnDefaults) {
    Options options;
    for (const Option& option : all_options()) {
        if (option.kind == Option::Kind::Endpoints || option.kind == Option::Kind::Blocks) continue;
        std::string text = option.text(Options{});
        if (option.kind == Option::Kind::Choice || option.kind == Option::Kind::Path)
            text = text.substr(1, text.size() - 2);
        EXPECT_TRUE(option.parse(options, text)) << option.name << ' ' << text;
        EXPECT_EQ(option.text(options), option.text(Options{}));
    }
}

// A field narrower than the option's range would keep another value than the one asked for.
TEST(Options, KeepBothEndsOfTheirRange) {
    for (const Option& option : all_options()) {
        if (!option.set) continue;
        for (const std::uint64_t end : {option.minimum, option.maximum}) {
            Options options;
            option.set(options, end);
            EXPECT_EQ(option.get(options), end) << option.name;
        }
    }
}

TEST(Options, SetTheirField) {
    Options options;
    const auto set = [&](const char* name, const char* value) {
        EXPECT_TRUE(find_option(name)->parse(options, value)) << name;
    };
    set("limits.connections", "7");
    set("limits.retained_bytes", "5000000000");
    set("limits.queue_drop", "newest");
    set("mqtt.maximum_qos", "1");
    set("mqtt.retain_available", "false");
    set("mqtt.share_strategy", "hash_topic");
    set("log.format", "json");
    set("tcp.backlog", "9");
    set("listen", ":1884, [::1]:1885, quic://:1886, quic://127.0.0.1");
    set("quic.windows", "10");
    set("quic.certificate", "/a b/c.pem");
    set("quic.unlimited_sources", "10.0.0.0/8, ::1");
    set("data_dir", "x");
    EXPECT_EQ(options.broker.connections_max, 7u);
    EXPECT_EQ(options.broker.retained_bytes, 5'000'000'000u);
    EXPECT_TRUE(options.broker.queue_drops_newest);
    EXPECT_EQ(options.broker.maximum_qos, Qos::AtLeastOnce);
    EXPECT_FALSE(options.broker.retain_available);
    EXPECT_EQ(options.broker.share_strategy, BrokerOptions::ShareStrategy::HashTopic);
    EXPECT_EQ(options.log.format, LogFormat::Json);
    EXPECT_EQ(options.tcp.backlog, 9);
    EXPECT_EQ(options.quic.windows, 10u);
    EXPECT_EQ(options.quic.unlimited_sources.size(), 2u);
    EXPECT_EQ(options.quic_files.certificate, "/a b/c.pem");
    EXPECT_EQ(options.runtime.data_dir, "x");
    EXPECT_EQ(find_option("listen")->text(options),
              R"([":1884", "[::1]:1885", "quic://:1886", "quic://127.0.0.1:14567"])");
}

TEST(Options, RefuseWhatTheyCannotBe) {
    struct Case {
        const char* name;
        std::string_view value;
        const char* says;
    };
    static constexpr Case cases[] = {
        {"limits.connections", "0", "1 to 100000000 connections"},
        {"limits.connections", "-1", "'-1' is not a value"},
        {"limits.connections", "99999999999999999999", "1 to 100000000"},
        {"limits.connections", "", "'' is not a value"},
        {"limits.connections", "12k", "'12k' is not a value"},
        {"limits.inflight_out", "65536", "1 to 65535 messages"},
        {"mqtt.maximum_qos", "3", "0 to 2 QoS"},
        {"mqtt.retain_available", "yes", "true or false"},
        {"mqtt.share_strategy", "fair", "round_robin, random, sticky"},
        {"listen", "", "the port is a number"},
        {"listen", "127.0.0.1:1,", "the port is a number"},
        {"listen", "::1:1883", "in brackets"},
        {"listen", "localhost:1883", "the host is a numeric address"},
        {"listen", "127.0.0.1\0x:1883"sv, "the host is a numeric address"},
        {"listen", "quic://broker.example", "the host is a numeric address"},
        {"listen", ":1883, ws://:80", "'ws'; there are tcp:// and quic://"},
        {"quic.key", "a\0b"sv, "a path"},
        {"quic.stream_bytes", "4194304", "1024 to 2097152 bytes"},
        {"quic.half_open_per_network", "0", "1 to 10000000 handshakes"},
        // What a block may be: src/transport/address_block_test.cc.
        {"quic.unlimited_sources", "10.0.0.0/33", "quic.unlimited_sources: '10.0.0.0/33': after /"},
        {"quic.unlimited_sources", "10.0.0.0/8,", "'' is not a numeric address"},
        {"quic.unlimited_sources", "10.0.0.0/8,,::1", "'' is not a numeric address"},
        {"quic.unlimited_sources", "10.0.0.0/8 ::1", "after / is a number of bits"},
        {"quic.unlimited_sources", "localhost", "'localhost' is not a numeric address"},
    };
    for (const Case& c : cases) {
        Options options;
        const auto parsed = find_option(c.name)->parse(options, c.value);
        ASSERT_FALSE(parsed) << c.name << ' ' << c.value;
        EXPECT_THAT(parsed.error(), HasSubstr(c.says));
        EXPECT_EQ(find_option(c.name)->text(options), find_option(c.name)->text(Options{}));
    }
}

TEST(Options, ListSoManyBlocksOfAddresses) {
    std::string text = "::1";
    for (std::size_t i = 1; i < limits::kAddressBlocks; ++i) text += ",::1";
    Options options;
    const Option& option = *find_option("quic.unlimited_sources");
    EXPECT_TRUE(option.parse(options, text));
    EXPECT_EQ(options.quic.unlimited_sources.size(), limits::kAddressBlocks);
    const auto parsed = option.parse(options, text + ",::1");
    ASSERT_FALSE(parsed);
    EXPECT_THAT(parsed.error(), HasSubstr("257 blocks of addresses: at most 256"));
}

// What check-config prints is a TOML file.
TEST(Options, PathsAreWrittenAsTomlReadsThem) {
    Options options;
    const Option& option = *find_option("quic.certificate");
    ASSERT_TRUE(option.parse(options, "/a\"b\\c\n\x7F\u00E9"));
    EXPECT_EQ(option.text(options), R"("/a\"b\\c\u000A\u007F)"
                                    "\u00E9\"");
}

TEST(Options, NearestIsTheFewestEditsAway) {
    struct Case {
        const char* name;
        const char* nearest;
    };
    static constexpr Case cases[] = {
        {"limits.conections", "limits.connections"},
        {"limit.inflight_in", "limits.inflight_in"},
        {"mqtt.max_qos", "mqtt.maximum_qos"},
        {"lisen", "listen"},
        {"log.levels", "log.level"},
    };
    for (const Case& c : cases) EXPECT_STREQ(nearest_option(c.name).name, c.nearest);
}

}  // namespace
}  // namespace starling
