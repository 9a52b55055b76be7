#include "app/client_arguments.h"

#include <gtest/gtest.h>

#include "app/client_command_line.h"

namespace starling {
namespace {

template <typename Parse>
auto parse(Parse parse_words, std::vector<std::string> words) {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return parse_words(static_cast<int>(argv.size()), argv.data());
}
auto pub(std::vector<std::string> words) { return parse(parse_pub, std::move(words)); }
auto sub(std::vector<std::string> words) { return parse(parse_sub, std::move(words)); }

// Of a command line that is right.
PubArguments good_pub(std::vector<std::string> words) {
    words.insert(words.end(), {"-t", "topic", "-m", "text"});
    auto arguments = pub(std::move(words));
    EXPECT_TRUE(arguments);
    return arguments ? std::move(*arguments) : PubArguments{};
}

TEST(PubCommandLine, HasDefaults) {
    const PubArguments arguments = good_pub({});
    EXPECT_EQ(arguments.options.host, "localhost");
    EXPECT_EQ(arguments.options.port, 1883);
    EXPECT_EQ(arguments.options.version, Version::V4);
    EXPECT_EQ(arguments.options.client_id, "");
    EXPECT_TRUE(arguments.options.clean_start);
    EXPECT_EQ(arguments.message.topic, "topic");
    EXPECT_EQ(as_text(arguments.message.payload), "text");
    EXPECT_EQ(arguments.message.qos, Qos::AtMostOnce);
    EXPECT_EQ(arguments.repeat, 1u);
}

TEST(PubCommandLine, TakesValuesAsTheyAre) {
    for (const char* text : {"-5", "[1,2]", "{}", "--", "%%", "", " "}) {
        auto arguments = pub({"-t", "a", "-m", text});
        ASSERT_TRUE(arguments) << text;
        EXPECT_EQ(as_text(arguments->message.payload), text);
    }
}

TEST(PubCommandLine, TakesAUrl) {
    auto arguments = pub({"-L", "mqtt://user:pass:word@[::1]:99/a/b", "-n"});
    ASSERT_TRUE(arguments);
    EXPECT_EQ(arguments->options.host, "::1");
    EXPECT_EQ(arguments->options.port, 99);
    EXPECT_EQ(arguments->options.user_name, "user");
    EXPECT_EQ(arguments->options.password, "pass:word");
    EXPECT_EQ(arguments->message.topic, "a/b");
    auto plain = pub({"-L", "mqtt://host/t", "-n"});
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->options.host, "host");
    EXPECT_EQ(plain->options.port, 1883);
}

TEST(PubCommandLine, SpreadsTopicsOverStreams) {
    EXPECT_EQ(good_pub({"--quic"}).options.further_streams, 0);
    const PubArguments arguments = good_pub({"--quic", "--streams", "4"});
    EXPECT_EQ(arguments.options.further_streams, 4);
    EXPECT_EQ(arguments.message.stream, stream_of("topic", 4));
}

TEST(PubCommandLine, TakesTopicsFromLines) {
    auto arguments = pub({"-l", "--line-topics"});
    ASSERT_TRUE(arguments);
    EXPECT_TRUE(arguments->reads_lines && arguments->has_line_topics);
    EXPECT_EQ(arguments->message.topic, "");
}

TEST(PubCommandLine, TakesProperties) {
    const PubArguments arguments =
        good_pub({"-D",    "publish", "user-property", "a",
                  "b",     "-D",      "PUBLISH",       "content-type",
                  "[x,y]", "-D",      "connect",       "receive-maximum",
                  "5",     "-D",      "publish",       "message-expiry-interval",
                  "9",     "-D",      "disconnect",    "session-expiry-interval",
                  "3",     "-D",      "publish",       "topic-alias",
                  "4"});
    EXPECT_EQ(arguments.options.version, Version::V5);
    EXPECT_EQ(arguments.options.receive_maximum, 5);
    EXPECT_EQ(arguments.message.expiry_interval_s, 9u);
    EXPECT_EQ(arguments.message.topic_alias, 4);
    PropertyWriter properties;
    properties.add_user("a", "b");
    properties.add_string(Property::ContentType, "[x,y]");
    EXPECT_EQ(as_text(arguments.message.properties.block()), as_text(properties.block()));
    EXPECT_EQ(arguments.disconnect_properties.block().size(), 5u);
}

TEST(PubCommandLine, KeepsASession) {
    EXPECT_FALSE(good_pub({"-c", "-i", "me"}).options.clean_start);
    EXPECT_EQ(good_pub({"-c", "-i", "me"}).options.session_expiry_interval_s, kNoExpiry);
    EXPECT_EQ(good_pub({"-c", "-i", "me", "-x", "5"}).options.session_expiry_interval_s, 5u);
    EXPECT_EQ(good_pub({"-i", "me", "-x", "∞"}).options.session_expiry_interval_s, kNoExpiry);
    EXPECT_EQ(good_pub({"-i", "me", "-x", "-1"}).options.session_expiry_interval_s, kNoExpiry);
}

TEST(PubCommandLine, RejectsWhatIsWrong) {
    const std::vector<std::vector<std::string>> cases = {
        {"-t", "a"},
        {"-m", "x"},
        {"-t", "a/#", "-m", "x"},
        {"-t", "", "-m", "x"},
        {"-t", "\xFF", "-m", "x"},
        {"-t", "a", "-m", "x", "-n"},
        {"-t", "a", "-m", "x", "-q", "3"},
        {"-t", "a", "-m", "x", "-k", "4"},
        {"-t", "a", "-m", "x", "-p", "65536"},
        {"-t", "a", "-m", "x", "-V", "6"},
        {"-t", "a", "-m", "x", "-P", "password alone"},
        {"-t", "a", "-m", "x", "-c"},
        {"-t", "a", "-m", "x", "-i", "a", "-I", "b"},
        {"-t", "a", "-m", "x", "-x", "4294967296"},
        {"-t", "a", "-m", "x", "-x", "-1"},
        {"-t", "a", "-m", "x", "--repeat", "0"},
        {"-t", "a", "-m", "x", "--repeat-delay", "-1"},
        {"-t", "a", "-m", "x", "-M", "0"},
        {"-t", "a", "-m", "x", "--will-payload", "x"},
        {"-t", "a", "-m", "x", "--will-topic", "+"},
        {"-t", "a", "-m", "x", "--ticket-file", "x"},
        {"-t", "a", "-m", "x", "--quic", "--early-data"},
        {"-t", "a", "-m", "x", "--streams", "2"},
        {"-t", "a", "-m", "x", "--quic", "--streams", "0"},
        {"-t", "a", "-m", "x", "--quic", "--streams", "256"},
        {"-t", "a", "-l", "--line-topics"},
        {"-m", "x", "--line-topics"},
        {"-t", "a", "-m", "x", "--quic", "--cert", "x"},
        {"-t", "a", "-m", "x", "--no-such-flag"},
        {"-t", "a", "-m", "x", "stray"},
        {"-t", "a", "-f", "/no/such/file"},
        {"-L", "http://host/topic", "-n"},
        {"-L", "mqtt://host", "-n"},
        {"-L", "mqtt:///topic", "-n"},
        {"-L", "mqtt://host:x/topic", "-n"},
        {"-t", "a", "-n", "-D", "publish", "no-such", "1"},
        {"-t", "a", "-n", "-D", "nowhere", "topic-alias", "1"},
        {"-t", "a", "-n", "-D", "connect", "topic-alias", "1"},
        {"-t", "a", "-n", "-D", "publish", "topic-alias", "0"},
        {"-t", "a", "-n", "-D", "publish", "topic-alias", "x"},
        {"-t", "a", "-n", "-D", "publish", "payload-format-indicator", "2"},
        {"-t", "a", "-n", "-D", "publish", "user-property", "name"},
        {"-t", "a", "-n", "-D", "publish", "content-type", "x", "y"},
    };
    for (const auto& words : cases) {
        const auto arguments = pub(words);
        std::string line;
        for (const auto& word : words) line += word + ' ';
        ASSERT_FALSE(arguments) << line;
        EXPECT_EQ(arguments.error(), 1) << line;
    }
}

TEST(PubCommandLine, GoesOverQuic) {
    EXPECT_FALSE(good_pub({}).quic);
    const PubArguments arguments =
        good_pub({"--quic", "-h", "broker.example", "--cafile", "a", "--capath", "b", "--cert", "c",
                  "--key", "d", "--ticket-file", "e"});
    ASSERT_TRUE(arguments.quic);
    EXPECT_EQ(arguments.options.port, 14'567);
    EXPECT_EQ(arguments.quic->trust.authority_file, "a");
    EXPECT_EQ(arguments.quic->trust.authority_folder, "b");
    EXPECT_EQ(arguments.quic->trust.certificate_file, "c");
    EXPECT_EQ(arguments.quic->trust.key_file, "d");
    EXPECT_EQ(arguments.quic->ticket_file, "e");
    EXPECT_FALSE(arguments.quic->is_early);
    EXPECT_TRUE(good_pub({"--quic", "--ticket-file", "e", "--early-data"}).quic->is_early);
    EXPECT_TRUE(good_pub({"--quic", "--insecure"}).quic->trust.is_anybody_trusted);
    EXPECT_EQ(good_pub({"--quic", "-p", "99"}).options.port, 99);
    EXPECT_EQ(pub({"--quic", "-L", "mqtt://host/t", "-n"})->options.port, 14'567);
    EXPECT_EQ(pub({"--quic", "-L", "mqtt://host:99/t", "-n"})->options.port, 99);
}

TEST(PubCommandLine, SaysWhatThisBuildHasNot) {
    const std::vector<std::vector<std::string>> cases = {
        {"-t", "a", "-n", "--cafile", "x"},
        {"-t", "a", "-n", "--insecure"},
        {"-t", "a", "-n", "-A", "127.0.0.2"},
        {"-L", "mqtts://host/topic", "-n"},
    };
    for (const auto& words : cases) {
        const auto arguments = pub(words);
        ASSERT_FALSE(arguments);
        EXPECT_EQ(arguments.error(), 2);
    }
}

TEST(SubCommandLine, TakesItsFlags) {
    auto arguments = sub({"-t",
                          "a/#",
                          "-t",
                          "b",
                          "-T",
                          "a/x",
                          "-U",
                          "c",
                          "-q",
                          "1",
                          "-C",
                          "3",
                          "-W",
                          "2",
                          "-v",
                          "-N",
                          "-F",
                          "%t",
                          "-D",
                          "subscribe",
                          "subscription-identifier",
                          "7",
                          "--retain-as-published"});
    ASSERT_TRUE(arguments);
    ASSERT_EQ(arguments->subscribe.filters.size(), 2u);
    EXPECT_EQ(arguments->subscribe.filters[0].filter, "a/#");
    EXPECT_EQ(arguments->subscribe.filters[1].qos, Qos::AtLeastOnce);
    EXPECT_TRUE(arguments->subscribe.filters[1].retain_as_published);
    EXPECT_EQ(arguments->subscribe.identifier, 7u);
    EXPECT_EQ(arguments->unsubscribe.filters, std::vector<std::string>{"c"});
    EXPECT_EQ(arguments->filtered_out, std::vector<std::string>{"a/x"});
    EXPECT_EQ(arguments->count, 3u);
    EXPECT_EQ(arguments->timeout_ms, 2'000u);
    EXPECT_TRUE(arguments->prints_topic);
    EXPECT_FALSE(arguments->ends_lines);
    EXPECT_TRUE(arguments->format);
}

TEST(SubCommandLine, RejectsWhatIsWrong) {
    const std::vector<std::vector<std::string>> cases = {
        {},
        {"-U", "a"},
        {"-t", "a#"},
        {"-t", "a", "-T", "a#"},
        {"-t", "a", "-U", "#/a"},
        {"-t", "a", "-C", "0"},
        {"-t", "a", "-W", "0"},
        {"-t", "a", "-F", "%"},
        {"-t", "a", "-R", "--retained-only"},
        {"-t", "a", "--random-filter", "101"},
    };
    for (const auto& words : cases) {
        const auto arguments = sub(words);
        ASSERT_FALSE(arguments);
        EXPECT_EQ(arguments.error(), 1);
    }
}

}  // namespace
}  // namespace starling
