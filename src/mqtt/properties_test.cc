#include "mqtt/properties.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mqtt/encode.h"
#include "mqtt/testing.h"
#include "tests/normative.h"

namespace starling {
namespace {

Decoded<Properties> read(const ByteVector& bytes, PropertyPlace place) {
    Reader reader(bytes);
    return read_properties(reader, place);
}

Reason read_reason(const char* text, PropertyPlace place) {
    const ByteVector bytes = wire(text);
    const auto properties = read(bytes, place);
    return properties ? Reason::Success : properties.error().reason;
}

constexpr const char* kPlaces = "CWKPASUXDT";  // a letter for each PropertyPlace, in its order

struct Row {
    const char* places;  // where it may stand
    const char* property;
};

// Table 2-4 again, with a value for each.
constexpr Row kRows[] = {
    {"PW", "01 01"},
    {"PW", "02 00000E10"},
    {"PW", "03 ('text/plain')"},
    {"PW", "08 ('reply/to')"},
    {"PW", "09 (00FF)"},
    {"PS", "0B FFFFFF7F"},
    {"CKD", "11 FFFFFFFF"},
    {"K", "12 ('id')"},
    {"K", "13 000A"},
    {"CKT", "15 ('SCRAM')"},
    {"C", "17 00"},
    {"W", "18 0000003C"},
    {"C", "19 01"},
    {"K", "1A ('info')"},
    {"KD", "1C ('other')"},
    {"KAUDT", "1F ('why')"},
    {"CK", "21 0001"},
    {"CK", "22 FFFF"},
    {"P", "23 0001"},
    {"K", "24 01"},
    {"K", "25 00"},
    {"CWKPASUXDT", "26 ('name') ('value')"},
    {"CK", "27 00000001"},
    {"K", "28 00"},
    {"K", "29 00"},
    {"K", "2A 00"},
};

std::string block(const std::string& properties) { return "[" + properties + "]"; }

TEST(Properties, StandWhereTheyMay) {
    for (const Row& row : kRows)
        for (std::size_t place = 0; place < std::string_view(kPlaces).size(); ++place) {
            const bool legal =
                std::string_view(row.places).find(kPlaces[place]) != std::string::npos;
            EXPECT_EQ(read_reason(block(row.property).c_str(), static_cast<PropertyPlace>(place)),
                      legal ? Reason::Success : Reason::MalformedPacket)
                << row.property << " in " << kPlaces[place];
        }
}

TEST(Properties, WithAnUnknownIdentifierAreMalformed) {
    for (unsigned identifier = 0; identifier < 256; ++identifier) {
        bool known = identifier == 0x16;  // authentication data, which needs a method
        for (const Row& row : kRows)
            known = known || wire(row.property)[0] == std::byte(identifier);
        if (known) continue;
        const ByteVector bytes{std::byte{9}, std::byte(identifier), {}, {}, {}, {}, {}, {}, {}, {}};
        for (std::size_t place = 0; place < 10; ++place) {
            const auto properties = read(bytes, static_cast<PropertyPlace>(place));
            ASSERT_FALSE(properties) << identifier;
            EXPECT_EQ(properties.error().reason, Reason::MalformedPacket);
        }
    }
}

TEST(Properties, ComeOnce) {
    for (const Row& row : kRows) {
        const auto place = std::string_view(kPlaces).find(row.places[0]);
        const std::string twice = block(std::string(row.property) + row.property);
        const std::string_view identifier = std::string_view(row.property).substr(0, 2);
        const bool repeats = identifier == "26" || identifier == "0B";
        EXPECT_EQ(read_reason(twice.c_str(), static_cast<PropertyPlace>(place)),
                  repeats ? Reason::Success : Reason::ProtocolError)
            << row.property;
    }
    EXPECT_EQ(read_reason("[0B01 0B02]", PropertyPlace::Subscribe), Reason::ProtocolError);
}

TEST(Properties, AreRefused) {
    struct Case {
        const char* id;
        const char* what;
        PropertyPlace place;
        const char* bytes;
        Reason reason;
    };
    using enum PropertyPlace;
    static constexpr Case cases[] = {
        {"", "no length", Connect, "", Reason::MalformedPacket},
        {"", "a length beyond the packet", Connect, "06 11 00000000", Reason::MalformedPacket},
        {"", "a length that cuts a value", Connect, "04 11 00000000", Reason::MalformedPacket},
        {"", "a padded length", Connect, "8000", Reason::MalformedPacket},
        {"", "a padded identifier", Connect, "[9100 00000000]", Reason::MalformedPacket},
        {"", "a padded value", Subscribe, "[0B 8100]", Reason::MalformedPacket},
        {"", "a text cut short", Publish, "[03 0002 61]", Reason::MalformedPacket},
        {"", "receive maximum 0", Connect, "[21 0000]", Reason::ProtocolError},
        {"", "maximum packet size 0", Connect, "[27 00000000]", Reason::ProtocolError},
        {"", "payload format 2", Publish, "[01 02]", Reason::ProtocolError},
        {"", "payload format 2 of a will", Will, "[01 02]", Reason::ProtocolError},
        {"", "request problem information 2", Connect, "[17 02]", Reason::ProtocolError},
        {"", "request response information 2", Connect, "[19 FF]", Reason::ProtocolError},
        {"", "maximum QoS 2", Connack, "[24 02]", Reason::ProtocolError},
        {"", "retain available 2", Connack, "[25 02]", Reason::ProtocolError},
        {"", "wildcard available 2", Connack, "[28 02]", Reason::ProtocolError},
        {"", "identifiers available 2", Connack, "[29 02]", Reason::ProtocolError},
        {"", "shared available 2", Connack, "[2A 02]", Reason::ProtocolError},
        {"", "subscription identifier 0", Subscribe, "[0B 00]", Reason::ProtocolError},
        {"", "data without a method", Connect, "[16 (00)]", Reason::ProtocolError},
        {"", "data without a method", Auth, "[16 (00)]", Reason::ProtocolError},
        {"MQTT-3.3.2-8", "topic alias 0", Publish, "[23 0000]", Reason::TopicAliasInvalid},
        {"MQTT-3.3.2-13", "response topic not text", Publish, "[08 (FF)]", Reason::MalformedPacket},
        {"MQTT-3.3.2-14", "response topic a/+", Publish, "[08 ('a/+')]", Reason::TopicNameInvalid},
        {"MQTT-3.3.2-14", "response topic #", Will, "[08 ('#')]", Reason::TopicNameInvalid},
        {"MQTT-4.7.3-1", "response topic empty", Publish, "[08 ()]", Reason::TopicNameInvalid},
        {"MQTT-3.3.2-19", "content type not text", Publish, "[03 (C0)]", Reason::MalformedPacket},
        {"MQTT-1.5.7-1", "a name not text", Connect, "[26 (80) ()]", Reason::MalformedPacket},
        {"MQTT-1.5.7-1", "a value not text", Connect, "[26 () (80)]", Reason::MalformedPacket},
        {"MQTT-1.5.7-1", "a name without value", Connect, "[26 ('a')]", Reason::MalformedPacket},
        {"MQTT-1.5.4-2", "U+0000 in a name", Connect, "[26 (00) ()]", Reason::MalformedPacket},
    };
    for (const Case& c : cases) {
        if (*c.id) proves(c.id);
        EXPECT_EQ(read_reason(c.bytes, c.place), c.reason) << c.id << ' ' << c.what;
    }
}

TEST(Properties, AreAtTheirDefaultsWhenAbsent) {
    const ByteVector bytes = wire("00");
    const auto read_back = read(bytes, PropertyPlace::Connect);
    ASSERT_TRUE(read_back);
    EXPECT_EQ(read_back->present, 0u);
    EXPECT_EQ(read_back->receive_maximum, 65535);
    EXPECT_EQ(read_back->maximum_packet_size, 0xFFFFFFFF);
    EXPECT_TRUE(read_back->request_problem_information);
    EXPECT_FALSE(read_back->request_response_information);
}

TEST(Properties, OfAMessageAreReadBack) {
    PropertyWriter writer;
    writer.add_u8(Property::PayloadFormatIndicator, 1);
    writer.add_u32(Property::MessageExpiryInterval, 3600);
    writer.add_string(Property::ContentType, "text/plain");
    writer.add_string(Property::ResponseTopic, "reply/to");
    writer.add_binary(Property::CorrelationData, as_bytes("7"));
    writer.add_varint(Property::SubscriptionIdentifier, 200);
    writer.add_u16(Property::TopicAlias, 9);
    ByteVector bytes;
    append_binary(bytes, writer.block());
    bytes.erase(bytes.begin());  // a small block: one byte of its length is enough

    const auto read_back = read(bytes, PropertyPlace::Publish);
    ASSERT_TRUE(read_back);
    EXPECT_EQ(read_back->payload_format_indicator, 1);
    EXPECT_EQ(read_back->message_expiry_interval_s, 3600u);
    EXPECT_EQ(read_back->content_type, "text/plain");
    EXPECT_EQ(read_back->response_topic, "reply/to");
    EXPECT_EQ(as_text(read_back->correlation_data), "7");
    EXPECT_EQ(read_back->subscription_identifier, 200u);
    EXPECT_EQ(read_back->topic_alias, 9);
    EXPECT_EQ(as_text(read_back->raw), as_text(writer.block()));
    EXPECT_TRUE(read_back->has(Property::TopicAlias));
    EXPECT_FALSE(read_back->has(Property::UserProperty));
}

TEST(Properties, OfAConnectionAreReadBack) {
    const ByteVector connect = wire(
        "[11 00000001 15 ('m') 16 ('d') 17 00 19 01 21 0002 22 0003 27 00000004 26 ('n') ('v')]");
    const auto asked = read(connect, PropertyPlace::Connect);
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->session_expiry_interval_s, 1u);
    EXPECT_EQ(asked->authentication_method, "m");
    EXPECT_EQ(as_text(asked->authentication_data), "d");
    EXPECT_FALSE(asked->request_problem_information);
    EXPECT_TRUE(asked->request_response_information);
    EXPECT_EQ(asked->receive_maximum, 2);
    EXPECT_EQ(asked->topic_alias_maximum, 3);
    EXPECT_EQ(asked->maximum_packet_size, 4u);
    EXPECT_TRUE(asked->has(Property::UserProperty));

    const ByteVector connack =
        wire("[12 ('id') 13 0005 1A ('r') 1C ('s') 1F ('why') 24 01 25 00 28 00 29 00 2A 00]");
    const auto answered = read(connack, PropertyPlace::Connack);
    ASSERT_TRUE(answered);
    EXPECT_EQ(answered->assigned_client_identifier, "id");
    EXPECT_EQ(answered->server_keep_alive_s, 5);
    EXPECT_EQ(answered->response_information, "r");
    EXPECT_EQ(answered->server_reference, "s");
    EXPECT_EQ(answered->reason_string, "why");
    EXPECT_EQ(answered->maximum_qos, 1);
    EXPECT_FALSE(answered->retain_available);
    EXPECT_FALSE(answered->wildcard_subscription_available);
    EXPECT_FALSE(answered->subscription_identifier_available);
    EXPECT_FALSE(answered->shared_subscription_available);

    const ByteVector will = wire("[18 0000003C]");
    const auto delayed = read(will, PropertyPlace::Will);
    ASSERT_TRUE(delayed);
    EXPECT_EQ(delayed->will_delay_interval_s, 60u);
}

TEST(Properties, AreVisitedWholeAndInOrder) {
    for (const Row& row : kRows) {
        const ByteVector one = wire(row.property);
        const ByteVector raw = wire(std::string(row.property) + "26 ('n') ('v')" + row.property);
        std::vector<std::string> fields;
        for_each_property(raw, [&](Property property, Bytes field) {
            EXPECT_EQ(static_cast<std::byte>(property), field[0]);
            fields.emplace_back(as_text(field));
        });
        const std::string expected(as_text(one));
        const std::string user(as_text(wire("26 ('n') ('v')")));
        EXPECT_EQ(fields, (std::vector<std::string>{expected, user, expected})) << row.property;
    }
}

TEST(Properties, OfAUserAreNameAndValue) {
    const ByteVector field = wire("26 ('name') ('the value')");
    EXPECT_EQ(user_property(field).name, "name");
    EXPECT_EQ(user_property(field).value, "the value");
    EXPECT_EQ(user_property(wire("26 () ()")).value, "");
}

TEST(Properties, AreForwardedButForThoseWrittenAnew) {
    const std::string kept =
        "01 01 03 ('text/plain') 08 ('reply/to') 09 (00FF) 26 ('b') ('1') 26 ('a') ('2') 26 ('b') "
        "('3')";
    const ByteVector raw = wire("18 0000003C 02 00000001 23 0001 0B 01" + kept + "0B 8001");
    ByteVector out(raw.size());
    out.resize(copy_forwarded(raw, out.data()));
    EXPECT_EQ(out, wire(kept));
    EXPECT_EQ(copy_forwarded({}, out.data()), 0u);
}

}  // namespace
}  // namespace starling
