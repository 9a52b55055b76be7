#include "app/sub_format.h"

#include <gtest/gtest.h>

#include "mqtt/encode.h"

namespace starling {
namespace {

// A moment, and a message with everything, to be printed.
class FormatTest : public testing::Test {
protected:
    FormatTest() {
        ::setenv("TZ", "UTC", 1);
        properties.add_u8(Property::PayloadFormatIndicator, 1);
        properties.add_u32(Property::MessageExpiryInterval, 100);
        properties.add_string(Property::ContentType, "text");
        properties.add_string(Property::ResponseTopic, "reply");
        properties.add_binary(Property::CorrelationData, as_bytes("id"));
        properties.add_varint(Property::SubscriptionIdentifier, 7);
        properties.add_user("k1", "v1");
        properties.add_user("k2", "v2");
        message.topic = "a/topic";
        message.payload = as_bytes("hello");
        message.qos = Qos::ExactlyOnce;
        message.packet_id = 12;
        message.properties = properties.block();
    }

    std::string print(std::string_view format, bool is_pretty = false) {
        auto parsed = MessageFormat::parse(format);
        if (!parsed) return parsed.error();
        parsed->set_pretty(is_pretty);
        return parsed->text(message, {1'600'000'000, 123'456'789}).value_or("not JSON");
    }

    PropertyWriter properties;
    IncomingMessage message{.topic = {}, .payload = {}, .properties = {}};
};

TEST_F(FormatTest, Fields) {
    EXPECT_EQ(print("%t|%p|%q|%r|%m|%l|%x|%X|%%"),
              "a/topic|hello|2|0|12|5|68656c6c6f|68656C6C6F|%");
    EXPECT_EQ(print("%A|%C|%D|%E|%F|%P|%R|%S"), "|text|id|100|1|k1:v1 k2:v2|reply|7");
    message.properties = {};
    EXPECT_EQ(print("%A%C%D%E%F%P%R%S"), "");
}

TEST_F(FormatTest, WidthsAndPrecisions) {
    static constexpr struct {
        const char* format;
        const char* text;
    } cases[] = {
        {"%10t|%-10t|%3.3t|%.4t|", "   a/topic|a/topic   |a/t|a/to|"},
        {"%05l|%5l|%-5l|%-05l|", "00005|    5|5    |5    |"},
        {"%010t|%08p|%.3p|", "   a/topic|000hello|hello|"},
        {"%5q|%5r|%4D|", "2|0|id|"},
        {"%4A|%04A|", "    |0000|"},
        {"%12x|%012X|", "  68656c6c6f|0068656C6C6F|"},
        {"%.4I|", "2020|"},
    };
    for (const auto& c : cases) EXPECT_EQ(print(c.format), c.text) << c.format;
}

TEST_F(FormatTest, Times) {
    EXPECT_EQ(print("%I %U"), "2020-09-13T12:26:40+0000 1600000000.123456789");
    EXPECT_EQ(print("@Y-@m @N @@"), "2020-09 123456789 @");
}

TEST_F(FormatTest, Escapes) {
    EXPECT_EQ(print("\\a\\e\\n\\r\\t\\v\\\\"), "\a\033\n\r\t\v\\");
    EXPECT_EQ(print("\\0"), std::string(1, '\0'));
}

TEST_F(FormatTest, Mistakes) {
    EXPECT_EQ(print("%z"), "Invalid format specifier 'z'.");
    EXPECT_EQ(print("%"), "Incomplete format specifier.");
    EXPECT_EQ(print("%05."), "Incomplete format specifier.");
    EXPECT_EQ(print("@"), "Incomplete format specifier.");
    EXPECT_EQ(print("\\"), "Incomplete escape specifier.");
    EXPECT_EQ(print("\\q"), "Invalid escape specifier 'q'.");
}

constexpr const char* kHead = R"({"tst":"2020-09-13T12:26:40.123456Z+0000","topic":"a/topic",)";

TEST_F(FormatTest, Json) {
    EXPECT_EQ(print("%j"),
              std::string(kHead) +
                  R"("qos":2,"retain":0,"payloadlen":5,"mid":12,"properties":{)"
                  R"("payload-format-indicator":1,"message-expiry-interval":100,)"
                  R"("content-type":"text","response-topic":"reply","correlation-data":"id",)"
                  R"("subscription-identifier":7,"user-properties":{"k1":"v1","k2":"v2"}},)"
                  R"("payload":"hello"})");
    message.properties = {};
    message.qos = Qos::AtMostOnce;
    message.payload = as_bytes("\" \\ \n \x01 \xC3\xA9 \xFF");
    EXPECT_EQ(print("%j"), std::string(kHead) + R"("qos":0,"retain":0,"payloadlen":12,)" +
                               "\"payload\":\"\\\" \\\\ \\n \\u0001 \xC3\xA9 \xFF\"}");
}

TEST_F(FormatTest, JsonPayload) {
    message.properties = {};
    message.qos = Qos::AtMostOnce;
    EXPECT_EQ(print("%J"), "not JSON");
    const std::string head = std::string(kHead) + R"("qos":0,"retain":0,"payloadlen":)";
    message.payload = as_bytes(R"( {"a b": [1, 2.50, "x \" y"]} )");
    EXPECT_EQ(print("%J"), head + R"(30,"payload":{"a b":[1,2.50,"x \" y"]}})");
    message.payload = {};
    EXPECT_EQ(print("%J"), head + R"(0,"payload":null})");
}

TEST_F(FormatTest, PrettyJson) {
    message.properties = {};
    message.qos = Qos::AtMostOnce;
    message.payload = as_bytes(R"({"a":[1,{"b":2}],"c":{},"d":[],"e":"{,}"})");
    const std::string text = print("%J", true);
    EXPECT_EQ(text.substr(text.find("\t\"payload\"")),
              "\t\"payload\":\t{\n"
              "\t\t\"a\":\t[1, {\n"
              "\t\t\t\t\"b\":\t2\n"
              "\t\t\t}],\n"
              "\t\t\"c\":\t{\n"
              "\t\t},\n"
              "\t\t\"d\":\t[],\n"
              "\t\t\"e\":\t\"{,}\"\n"
              "\t}\n"
              "}");
}

}  // namespace
}  // namespace starling
