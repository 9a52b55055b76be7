#include "mqtt/utf8.h"

#include <string>

#include <gtest/gtest.h>

#include "mqtt/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

struct Case {
    const char* id;
    const char* what;
    const char* text;
    bool legal;
};

constexpr Case kCases[] = {
    {"", "nothing", "", true},
    {"", "ASCII", "'sensors/1'", true},
    {"", "a control character", "01", true},
    {"", "U+0080, U+07FF", "C280 DFBF", true},
    {"", "U+0800, U+FFFF", "E0A080 EFBFBF", true},
    {"", "U+D7FF, U+E000", "ED9FBF EE8080", true},
    {"", "U+10000, U+10FFFF", "F0908080 F48FBFBF", true},
    {"MQTT-1.5.4-3", "a byte order mark", "EFBBBF 'a'", true},
    {"MQTT311-1.5.3-3", "a byte order mark", "EFBBBF", true},
    {"MQTT-1.5.4-2", "U+0000", "00", false},
    {"MQTT311-1.5.3-2", "U+0000 at the end", "'a' 00", false},
    {"MQTT-1.5.4-1", "U+0000 in two bytes", "C080", false},
    {"MQTT-1.5.4-1", "overlong '/'", "C0AF", false},
    {"MQTT-1.5.4-1", "overlong in three bytes", "E09FBF", false},
    {"MQTT-1.5.4-1", "overlong in four bytes", "F08FBFBF", false},
    {"MQTT-1.5.4-1", "the first surrogate", "EDA080", false},
    {"MQTT311-1.5.3-1", "the last surrogate", "EDBFBF", false},
    {"MQTT-1.5.4-1", "U+110000", "F4908080", false},
    {"MQTT-1.5.4-1", "a lead of five bytes", "F888808080", false},
    {"MQTT-1.5.4-1", "FE", "FE", false},
    {"MQTT-1.5.4-1", "FF", "FF", false},
    {"MQTT-1.5.4-1", "a continuation without a lead", "80", false},
    {"MQTT-1.5.4-1", "cut after the lead", "C3", false},
    {"MQTT-1.5.4-1", "cut after two of three", "E282", false},
    {"MQTT-1.5.4-1", "cut after three of four", "F09F98", false},
    {"MQTT-1.5.4-1", "a lead before ASCII", "C3 'a'", false},
};

TEST(MqttText, IsWellFormedUtf8WithoutNull) {
    for (const Case& c : kCases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(is_mqtt_text(as_text(wire(c.text))), c.legal) << c.id << ' ' << c.what;
    }
}

TEST(MqttText, IsJudgedTheSameWhereverItStands) {
    for (const Case& c : kCases)
        for (std::size_t before = 0; before < 20; ++before)
            for (std::size_t after = 0; after < 20; after += 3) {
                const ByteVector bytes = wire(c.text);
                const std::string text = std::string(before, 'b') + std::string(as_text(bytes)) +
                                         std::string(after, 'a');
                EXPECT_EQ(is_mqtt_text(text), c.legal) << c.what << " after " << before;
            }
}

}  // namespace
}  // namespace starling
