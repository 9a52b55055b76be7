#include "app/client_properties.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "base/assert.h"

namespace starling {
namespace {

enum class Kind { U8, U16, U32, Varint, Text, Binary, Pair };

struct Name {
    Property property;
    std::string_view name;
    Kind kind;
};

constexpr Name kNames[] = {
    {Property::PayloadFormatIndicator, "payload-format-indicator", Kind::U8},
    {Property::MessageExpiryInterval, "message-expiry-interval", Kind::U32},
    {Property::ContentType, "content-type", Kind::Text},
    {Property::ResponseTopic, "response-topic", Kind::Text},
    {Property::CorrelationData, "correlation-data", Kind::Binary},
    {Property::SubscriptionIdentifier, "subscription-identifier", Kind::Varint},
    {Property::SessionExpiryInterval, "session-expiry-interval", Kind::U32},
    {Property::AssignedClientIdentifier, "assigned-client-identifier", Kind::Text},
    {Property::ServerKeepAlive, "server-keep-alive", Kind::U16},
    {Property::AuthenticationMethod, "authentication-method", Kind::Text},
    {Property::AuthenticationData, "authentication-data", Kind::Binary},
    {Property::RequestProblemInformation, "request-problem-information", Kind::U8},
    {Property::WillDelayInterval, "will-delay-interval", Kind::U32},
    {Property::RequestResponseInformation, "request-response-information", Kind::U8},
    {Property::ResponseInformation, "response-information", Kind::Text},
    {Property::ServerReference, "server-reference", Kind::Text},
    {Property::ReasonString, "reason-string", Kind::Text},
    {Property::ReceiveMaximum, "receive-maximum", Kind::U16},
    {Property::TopicAliasMaximum, "topic-alias-maximum", Kind::U16},
    {Property::TopicAlias, "topic-alias", Kind::U16},
    {Property::MaximumQos, "maximum-qos", Kind::U8},
    {Property::RetainAvailable, "retain-available", Kind::U8},
    {Property::UserProperty, "user-property", Kind::Pair},
    {Property::MaximumPacketSize, "maximum-packet-size", Kind::U32},
    {Property::WildcardSubscriptionAvailable, "wildcard-subscription-available", Kind::U8},
    {Property::SubscriptionIdentifierAvailable, "subscription-identifier-available", Kind::U8},
    {Property::SharedSubscriptionAvailable, "shared-subscription-available", Kind::U8},
};

struct Place {
    PropertyPlace place;
    std::string_view name;
};

constexpr Place kPlaces[] = {
    {PropertyPlace::Connect, "connect"},       {PropertyPlace::Publish, "publish"},
    {PropertyPlace::Subscribe, "subscribe"},   {PropertyPlace::Unsubscribe, "unsubscribe"},
    {PropertyPlace::Disconnect, "disconnect"}, {PropertyPlace::Will, "will"},
};

const Name& name_of(Property property) {
    const auto found = std::find_if(std::begin(kNames), std::end(kNames),
                                    [&](const Name& one) { return one.property == property; });
    STARLING_ASSERT(found != std::end(kNames));
    return *found;
}

template <typename Table>
auto find(const Table& table, std::string_view name) {
    const auto found = std::find_if(std::begin(table), std::end(table),
                                    [&](const auto& one) { return one.name == name; });
    return found == std::end(table) ? nullptr : &*found;
}

std::string lower_case(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

std::optional<std::uint32_t> number(Kind kind, std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    const std::uint32_t most = kind == Kind::U8       ? 0xFF
                               : kind == Kind::U16    ? 0xFFFF
                               : kind == Kind::Varint ? kVarintMax
                                                      : 0xFFFFFFFF;
    if (value > most) return {};
    return value;
}

bool is_number(Kind kind) { return kind <= Kind::Varint; }

// By the codec's own rules, so that nothing leaves which a server must refuse.
Decoded<void> check(const PropertyArgument& argument) {
    PropertyWriter properties;
    add(properties, argument);
    Reader block(properties.block());
    std::uint64_t present = 0;
    STARLING_TRY(field, take_property(block, argument.place, present));
    (void)field;
    return {};
}

}  // namespace

std::string_view property_name(Property property) { return name_of(property).name; }

bool is_numeric(Property property) { return is_number(name_of(property).kind); }

std::string property_text(Bytes field) {
    Reader block(field);
    std::uint64_t present = 0;
    const auto property = take_property(block, PropertyPlace::Publish, present);
    STARLING_ASSERT(property);
    if (is_numeric(property->property)) return std::to_string(property->number);
    return std::string(as_text(property->bytes));
}

std::size_t property_words(std::string_view name) {
    return name == property_name(Property::UserProperty) ? 4 : 3;
}

Result<PropertyArgument, std::string> parse_property(std::span<const std::string> words) {
    const Place* place = find(kPlaces, lower_case(words[0]));
    if (!place) return std::string("Invalid command given in --property argument.");
    const Name* name = find(kNames, words[1]);
    if (!name) return std::string("Invalid property name given in --property argument.");

    PropertyArgument argument{
        .place = place->place, .property = name->property, .value = words.back()};
    if (name->kind == Kind::Pair) argument.name = words[2];
    if (is_number(name->kind)) {
        const auto value = number(name->kind, argument.value);
        if (!value)
            return fmt::format("Property value ({}) out of range for property {}.", argument.value,
                               name->name);
        argument.number = *value;
    }
    if (const auto checked = check(argument); !checked)
        return fmt::format("{} property not allowed for {} in --property argument: {}.", name->name,
                           place->name, checked.error().text);
    return argument;
}

void add(PropertyWriter& properties, const PropertyArgument& argument) {
    const Property property = argument.property;
    switch (name_of(property).kind) {
        case Kind::U8:
            return properties.add_u8(property, static_cast<std::uint8_t>(argument.number));
        case Kind::U16:
            return properties.add_u16(property, static_cast<std::uint16_t>(argument.number));
        case Kind::U32: return properties.add_u32(property, argument.number);
        case Kind::Varint: return properties.add_varint(property, argument.number);
        case Kind::Text: return properties.add_string(property, argument.value);
        case Kind::Binary: return properties.add_binary(property, as_bytes(argument.value));
        case Kind::Pair: return properties.add_user(argument.name, argument.value);
    }
}

}  // namespace starling
