#include "mqtt/properties.h"

#include <array>

#include "mqtt/topic.h"
#include "mqtt/varint.h"

namespace starling {
namespace {

enum class Type : std::uint8_t {
    Unknown,
    Flag,  // a byte that is 0 or 1
    U16,
    U32,
    Varint,
    Text,
    Binary,
    TextPair,
};

// Sets of places.
constexpr unsigned only(PropertyPlace place) { return 1u << static_cast<unsigned>(place); }

constexpr unsigned kConnect = only(PropertyPlace::Connect);
constexpr unsigned kConnack = only(PropertyPlace::Connack);
constexpr unsigned kPublish = only(PropertyPlace::Publish);
constexpr unsigned kWill = only(PropertyPlace::Will);
constexpr unsigned kSubscribe = only(PropertyPlace::Subscribe);
constexpr unsigned kDisconnect = only(PropertyPlace::Disconnect);
constexpr unsigned kAuth = only(PropertyPlace::Auth);
constexpr unsigned kAcks = only(PropertyPlace::Ack) | only(PropertyPlace::Suback);
constexpr unsigned kAnywhere = ~0u;

// Puts a value into its member of Properties.
template <typename Number>
void set(Number& to, const PropertyField& field) {
    to = static_cast<Number>(field.number);
}
void set(std::string_view& to, const PropertyField& field) { to = as_text(field.bytes); }
void set(Bytes& to, const PropertyField& field) { to = field.bytes; }

template <auto kMember>
void store(Properties& to, const PropertyField& field) {
    set(to.*kMember, field);
}
void store_nothing(Properties&, const PropertyField&) {}  // user properties stay in the raw block

struct Rule {
    Property property = Property::UserProperty;
    Type type = Type::Unknown;
    unsigned places = 0;
    void (*store)(Properties&, const PropertyField&) = nullptr;
    std::uint32_t least = 0;  // of numbers
};

// Table 2-4; types and ranges are the same in every packet that has the property.
using P = Property;
using Ps = Properties;
constexpr Rule kRules[] = {
    {P::PayloadFormatIndicator, Type::Flag, kPublish | kWill, store<&Ps::payload_format_indicator>},
    {P::MessageExpiryInterval, Type::U32, kPublish | kWill, store<&Ps::message_expiry_interval_s>},
    {P::ContentType, Type::Text, kPublish | kWill, store<&Ps::content_type>},
    {P::ResponseTopic, Type::Text, kPublish | kWill, store<&Ps::response_topic>},
    {P::CorrelationData, Type::Binary, kPublish | kWill, store<&Ps::correlation_data>},
    {P::SubscriptionIdentifier, Type::Varint, kPublish | kSubscribe,
     store<&Ps::subscription_identifier>, 1},
    {P::SessionExpiryInterval, Type::U32, kConnect | kConnack | kDisconnect,
     store<&Ps::session_expiry_interval_s>},
    {P::AssignedClientIdentifier, Type::Text, kConnack, store<&Ps::assigned_client_identifier>},
    {P::ServerKeepAlive, Type::U16, kConnack, store<&Ps::server_keep_alive_s>},
    {P::AuthenticationMethod, Type::Text, kConnect | kConnack | kAuth,
     store<&Ps::authentication_method>},
    {P::AuthenticationData, Type::Binary, kConnect | kConnack | kAuth,
     store<&Ps::authentication_data>},
    {P::RequestProblemInformation, Type::Flag, kConnect, store<&Ps::request_problem_information>},
    {P::WillDelayInterval, Type::U32, kWill, store<&Ps::will_delay_interval_s>},
    {P::RequestResponseInformation, Type::Flag, kConnect, store<&Ps::request_response_information>},
    {P::ResponseInformation, Type::Text, kConnack, store<&Ps::response_information>},
    {P::ServerReference, Type::Text, kConnack | kDisconnect, store<&Ps::server_reference>},
    {P::ReasonString, Type::Text, kConnack | kAcks | kDisconnect | kAuth,
     store<&Ps::reason_string>},
    {P::ReceiveMaximum, Type::U16, kConnect | kConnack, store<&Ps::receive_maximum>, 1},
    {P::TopicAliasMaximum, Type::U16, kConnect | kConnack, store<&Ps::topic_alias_maximum>},
    {P::TopicAlias, Type::U16, kPublish, store<&Ps::topic_alias>, 1},
    {P::MaximumQos, Type::Flag, kConnack, store<&Ps::maximum_qos>},
    {P::RetainAvailable, Type::Flag, kConnack, store<&Ps::retain_available>},
    {P::UserProperty, Type::TextPair, kAnywhere, store_nothing},
    {P::MaximumPacketSize, Type::U32, kConnect | kConnack, store<&Ps::maximum_packet_size>, 1},
    {P::WildcardSubscriptionAvailable, Type::Flag, kConnack,
     store<&Ps::wildcard_subscription_available>},
    {P::SubscriptionIdentifierAvailable, Type::Flag, kConnack,
     store<&Ps::subscription_identifier_available>},
    {P::SharedSubscriptionAvailable, Type::Flag, kConnack,
     store<&Ps::shared_subscription_available>},
};

constexpr auto kRuleByIdentifier = [] {
    std::array<Rule, 0x2B> rules;
    for (const Rule& rule : kRules) rules[static_cast<std::size_t>(rule.property)] = rule;
    return rules;
}();

// An identifier is a variable byte integer, but none takes a second byte.
const Rule& rule_of(std::uint8_t identifier) {
    static constexpr Rule kUnknown;
    return identifier < kRuleByIdentifier.size() ? kRuleByIdentifier[identifier] : kUnknown;
}

bool may_repeat(Property property, PropertyPlace place) {
    return property == Property::UserProperty ||
           (property == Property::SubscriptionIdentifier && place == PropertyPlace::Publish);
}

bool is_number(Type type) { return type <= Type::Varint; }

Decoded<std::uint32_t> read_number(Reader& block, Type type) {
    if (type == Type::Varint) return block.varint();
    STARLING_TRY(bytes, block.bytes(type == Type::Flag ? 1 : type == Type::U16 ? 2 : 4));
    if (type == Type::Flag) return std::to_integer<std::uint32_t>(bytes[0]);
    return type == Type::U16 ? load_u16(bytes.data()) : load_u32(bytes.data());
}

Decoded<Bytes> read_bytes(Reader& block, Type type) {
    if (type == Type::Binary) return block.binary();
    if (type == Type::TextPair) STARLING_CHECK(block.string());  // its name [MQTT-1.5.7-1]
    STARLING_TRY(text, block.string());
    return as_bytes(text);
}

Decoded<void> check_value(const Rule& rule, const PropertyField& field) {
    if (rule.type == Type::Flag && field.number > 1)
        return protocol_error("section 3.1.2.11: property above 1");
    if (field.number < rule.least) {
        if (rule.property == Property::TopicAlias)
            return ProtocolError{Reason::TopicAliasInvalid, "[MQTT-3.3.2-8] topic alias 0"};
        return protocol_error("section 3.1.2.11: property that may not be 0");
    }
    if (rule.property == Property::ResponseTopic && !is_topic_name(as_text(field.bytes)))
        return ProtocolError{Reason::TopicNameInvalid,
                             "[MQTT-3.3.2-14] [MQTT-4.7.3-1] response topic that is no topic name"};
    return {};
}

bool is_written_anew(Property property) {
    return property == Property::TopicAlias || property == Property::MessageExpiryInterval ||
           property == Property::SubscriptionIdentifier || property == Property::WillDelayInterval;
}

// The size of a field with a two-byte length.
std::size_t sized(const std::byte* at) { return 2u + load_u16(at); }

}  // namespace

Decoded<PropertyField> take_property(Reader& block, PropertyPlace place, std::uint64_t& present) {
    STARLING_TRY(identifier, block.u8());
    const Rule& rule = rule_of(identifier);
    if ((rule.places & only(place)) == 0)
        return malformed("section 2.2.2.2: property unknown, or not one of this packet's");
    const std::uint64_t bit = std::uint64_t{1} << identifier;
    if ((present & bit) != 0 && !may_repeat(rule.property, place))
        return protocol_error("section 2.2.2.2: property that came twice");
    present |= bit;

    PropertyField field{rule.property};
    if (is_number(rule.type)) {
        STARLING_TRY(number, read_number(block, rule.type));
        field.number = number;
    } else {
        STARLING_TRY(bytes, read_bytes(block, rule.type));
        field.bytes = bytes;
    }
    STARLING_CHECK(check_value(rule, field));
    return field;
}

Decoded<Properties> read_properties(Reader& reader, PropertyPlace place) {
    STARLING_TRY(size, reader.varint());
    STARLING_TRY(raw, reader.bytes(size));
    Properties properties;
    properties.raw = raw;
    for (Reader block(raw); !block.empty();) {
        STARLING_TRY(field, take_property(block, place, properties.present));
        rule_of(static_cast<std::uint8_t>(field.property)).store(properties, field);
    }
    if (properties.has(Property::AuthenticationData) &&
        !properties.has(Property::AuthenticationMethod))
        return protocol_error("section 3.1.2.11.10: authentication data without a method");
    return properties;
}

std::size_t property_size(Bytes raw) {
    const Type type = rule_of(std::to_integer<std::uint8_t>(raw[0])).type;
    STARLING_ASSERT(type != Type::Unknown);
    const std::byte* value = raw.data() + 1;
    switch (type) {
        case Type::Flag: return 2;
        case Type::U16: return 3;
        case Type::U32: return 5;
        case Type::Varint: return 1 + load_varint(raw.subspan(1)).size;
        case Type::TextPair: return 1 + sized(value) + sized(value + sized(value));
        default: return 1 + sized(value);
    }
}

std::size_t copy_forwarded(Bytes raw, std::byte* out) {
    std::byte* end = out;
    for_each_property(raw, [&](Property property, Bytes field) {
        if (!is_written_anew(property)) end = store_bytes(end, field);
    });
    return static_cast<std::size_t>(end - out);
}

UserProperty user_property(Bytes field) {
    const Bytes name = field.subspan(3, load_u16(field.data() + 1));
    return {as_text(name), as_text(field.subspan(3 + name.size() + 2))};
}

}  // namespace starling
