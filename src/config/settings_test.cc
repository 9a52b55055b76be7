#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace starling {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Settings, LaterSourcesOverrideEarlierOnes) {
    Settings settings;
    EXPECT_EQ(settings.origin("limits.sessions"), "default");
    ASSERT_TRUE(settings.read_toml(
        "listen = ['0.0.0.0:1', '[::1]:2']\n[limits]\nsessions = 1\nretained_messages = 1\n"
        "connections = 1\n",
        "a.toml"));
    const char* const variables[] = {"HOME=/",
                                     "STARLING_LIMITS_CONNECTIONS=2",
                                     "STARLING_LIMITS_RETAINED_MESSAGES=2",
                                     "STARLING=x",
                                     "STARLING_SERVICE_PORT=tcp://10.0.0.1:1883",
                                     nullptr};
    ASSERT_TRUE(settings.read_environment(variables));
    ASSERT_TRUE(settings.assign("limits.connections=3", "--set"));

    EXPECT_EQ(settings.origin("listen"), "a.toml:1");
    EXPECT_EQ(settings.options().listen.size(), 2u);
    EXPECT_EQ(settings.origin("limits.sessions"), "a.toml:3");
    EXPECT_EQ(settings.options().broker.sessions_max, 1u);
    EXPECT_EQ(settings.origin("limits.retained_messages"), "STARLING_LIMITS_RETAINED_MESSAGES");
    EXPECT_EQ(settings.options().broker.retained_messages, 2u);
    EXPECT_EQ(settings.origin("limits.connections"), "--set");
    EXPECT_EQ(settings.options().broker.connections_max, 3u);
}

TEST(Settings, AFileIsToldWhereItIsWrong) {
    struct Case {
        const char* text;
        const char* says;
    };
    static constexpr Case cases[] = {
        {"\n[limits]\nconections = 5",
         "f:3: there is no option 'limits.conections'; the nearest "
         "is 'limits.connections'"},
        {"[limit]\nconnections = 5", "f:1: there is no option 'limit'"},
        {"[[limits]]\nconnections = 5", "f:1: there is no option 'limits'"},
        {"limits = 5", "f:1: there is no option 'limits'"},
        {"[limits]\nconnections = '5'", "f:2: limits.connections is an integer"},
        {"[limits]\nconnections = 5.0", "f:2: limits.connections is an integer"},
        {"[limits]\n\nconnections = 0", "f:3: '0' is not a value of limits.connections"},
        {"[mqtt]\nretain_available = 1", "f:2: mqtt.retain_available is true or false"},
        {"[mqtt]\nshare_strategy = true", "f:2: mqtt.share_strategy is a string"},
        {"listen = []", "f:1: listen is a string, or an array of strings"},
        {"listen = [1883]", "f:1: listen is a string, or an array of strings"},
        {"listen = ['a:1']", "f:1: 'a:1': the host is a numeric address"},
        {"[listen]\na = 1", "f:1: listen is a string"},
        {"[quic]\nkey = 1", "f:2: quic.key is a string"},
        {"[quic]\nunlimited_sources = 8", "f:2: quic.unlimited_sources is a string, or an array"},
        {"[quic]\nunlimited_sources = [8]", "f:2: quic.unlimited_sources is a string, or an array"},
        {"[quic]\nunlimited_sources = ['']",
         "f:2: quic.unlimited_sources is a string, or an array"},
        {"[quic]\nunlimited_sources = ['10.0.0.1/8']",
         "f:2: quic.unlimited_sources: '10.0.0.1/8': bits are set after the first 8"},
        {"[quic]\nunlimited_sources = [\"10.0.0.0\\u0000/8\"]",
         "f:2: quic.unlimited_sources: '10.0.0.0"},
        {"data_dir = ['a']", "f:1: data_dir is a string"},
        {"[limits\n", "f:1: "},
        {"[limits]\nsessions = 1\nsessions = 2", "f:3: "},
    };
    for (const Case& c : cases) {
        Settings settings;
        const auto read = settings.read_toml(c.text, "f");
        ASSERT_FALSE(read) << c.text;
        EXPECT_THAT(read.error(), StartsWith(c.says));
    }
}

// From each source, and as check-config prints them.
TEST(Settings, BlocksOfAddressesMayBeSeveralOneOrNone) {
    struct Case {
        const char *file, *words, *text;
    };
    static constexpr Case cases[] = {
        {"['10.0.0.0/8', '2001:db8::/32']", "10.0.0.0/8, 2001:db8::/32",
         R"(["10.0.0.0/8", "2001:db8::/32"])"},
        {"'10.0.0.0/8,192.0.2.1'", "10.0.0.0/8,192.0.2.1", R"(["10.0.0.0/8", "192.0.2.1/32"])"},
        {"['::1']", "::1", R"(["::1/128"])"},
        {"[]", "", "[]"},
        {"''", " ", "[]"},
    };
    const Option& option = *find_option("quic.unlimited_sources");
    EXPECT_EQ(option.text(Options{}), R"(["127.0.0.0/8", "::1/128"])");
    for (const Case& c : cases) {
        Settings file, environment, flag;
        EXPECT_TRUE(file.read_toml(std::string("[quic]\nunlimited_sources = ") + c.file, "f"));
        const std::string variable = std::string("STARLING_QUIC_UNLIMITED_SOURCES=") + c.words;
        const char* const variables[] = {variable.c_str(), nullptr};
        EXPECT_TRUE(environment.read_environment(variables));
        EXPECT_TRUE(flag.assign(std::string("quic.unlimited_sources=") + c.words, "--set"));
        for (const Settings* settings : {&file, &environment, &flag})
            EXPECT_EQ(option.text(settings->options()), c.text);
        Settings again;
        EXPECT_TRUE(again.read_toml(std::string("[quic]\nunlimited_sources = ") + c.text, "f"));
        EXPECT_EQ(option.text(again.options()), c.text);
    }
}

TEST(Settings, AFileMayBeEmptyButNotMissing) {
    EXPECT_TRUE(Settings().read_file("/dev/null"));
    const auto read = Settings().read_file("/nowhere/starling.toml");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), "/nowhere/starling.toml: No such file or directory");
}

TEST(Settings, KnowWhetherThereWasAFile) {
    Settings settings;
    EXPECT_FALSE(settings.has_file());
    ASSERT_TRUE(settings.read_toml("", "a.toml"));
    EXPECT_TRUE(settings.has_file());
}

TEST(Settings, DataGoesWhereStateBelongs) {
    struct Case {
        const char *state_home, *home, *folder;
    };
    static constexpr Case cases[] = {
        {"/state", "/home/me", "/state/starling"},
        {"", "/home/me", "/home/me/.local/state/starling"},
        {"state", "/home/me", "/home/me/.local/state/starling"},
        {"", "", ""},
        {"", "nowhere", ""},
    };
    for (const Case& c : cases) {
        Settings settings;
        settings.place_data(c.state_home, c.home);
        EXPECT_EQ(settings.options().runtime.data_dir, c.folder);
        EXPECT_TRUE(settings.is_default("data_dir"));
    }
    Settings asked;
    ASSERT_TRUE(asked.assign("data_dir=/mine", "--set"));
    asked.place_data("/state", "/home/me");
    EXPECT_EQ(asked.options().runtime.data_dir, "/mine");
}

TEST(Settings, AVariableThatLooksLikeAnOptionIsOne) {
    const char* const variables[] = {"STARLING_LIMITS_CONECTIONS=2", nullptr};
    const auto read = Settings().read_environment(variables);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(),
              "STARLING_LIMITS_CONECTIONS: no such option; the nearest is "
              "STARLING_LIMITS_CONNECTIONS");
}

TEST(Settings, AnAssignmentHasANameAndAValue) {
    Settings settings;
    EXPECT_THAT(settings.assign("limits.connections", "--set").error(),
                HasSubstr("is not section.key=value"));
    EXPECT_THAT(settings.assign("a=1", "--set").error(), HasSubstr("there is no option 'a'"));
    EXPECT_THAT(settings.assign("log.level=loud", "--set").error(),
                StartsWith("--set: 'loud' is not a value of log.level"));
}

// Of TCP alone: whose clients take descriptors.
Settings tcp_settings() {
    Settings settings;
    EXPECT_TRUE(settings.assign("listen=127.0.0.1:1883", "--set"));
    return settings;
}

TEST(Settings, DefaultsAreLoweredToTheDescriptors) {
    Settings settings = tcp_settings();
    ASSERT_TRUE(settings.fit_descriptors(10'064));
    EXPECT_EQ(settings.options().broker.connections_max, 9'000u);
    EXPECT_EQ(settings.options().broker.handshakes_max, 1'000u);
    EXPECT_THAT(settings.notes(), ElementsAre(HasSubstr("limits.connections lowered from 1000000"),
                                              HasSubstr("limits.handshakes lowered from 100000")));
}

TEST(Settings, ClientsWithoutDescriptorsAreNotCountedByThem) {
    Settings settings;
    ASSERT_TRUE(settings.assign("listen=quic://:0", "--set"));
    ASSERT_TRUE(settings.fit_descriptors(10'064));
    EXPECT_EQ(settings.options().broker.connections_max, limits::kConnections);
    EXPECT_EQ(settings.options().broker.handshakes_max, 1'000u);
}

TEST(Settings, ManyDescriptorsChangeNothing) {
    Settings settings;
    ASSERT_TRUE(settings.fit_descriptors(1u << 30));
    EXPECT_TRUE(settings.notes().empty());
}

TEST(Settings, AnExplicitValueIsNeverLowered) {
    Settings settings = tcp_settings();
    ASSERT_TRUE(settings.assign("limits.connections=10000", "--set"));
    EXPECT_TRUE(settings.fit_descriptors(10'064));
    EXPECT_EQ(settings.options().broker.connections_max, 10'000u);

    ASSERT_TRUE(settings.assign("limits.connections=10001", "--set"));
    const auto fitted = settings.fit_descriptors(10'064);
    ASSERT_FALSE(fitted);
    EXPECT_THAT(fitted.error(), StartsWith("--set: limits.connections is 10001"));
}

TEST(Settings, MemoryIsThreeQuartersOfWhatThereIs) {
    Settings settings;
    ASSERT_TRUE(settings.fit_memory(1'000'000'000));
    EXPECT_EQ(settings.options().broker.memory_max, 750'000'000u);
    ASSERT_TRUE(settings.assign("memory.max=100000000", "--set"));
    EXPECT_TRUE(settings.fit_memory(100'000'000));
    EXPECT_THAT(settings.fit_memory(99'999'999).error(),
                StartsWith("--set: memory.max is 100000000, but there are 99999999"));
    ASSERT_TRUE(settings.assign("memory.max=1000", "--set"));
    EXPECT_THAT(settings.fit_memory(100'000'000).error(),
                StartsWith("--set: memory.max is 1000: at least"));
}

}  // namespace
}  // namespace starling
