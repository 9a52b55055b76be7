// The properties of MQTT 5.0 (section 2.2.2): parsed once, by one table.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "mqtt/reader.h"
#include "mqtt/types.h"

namespace starling {

enum class Property : std::uint8_t {
    PayloadFormatIndicator = 0x01,
    MessageExpiryInterval = 0x02,
    ContentType = 0x03,
    ResponseTopic = 0x08,
    CorrelationData = 0x09,
    SubscriptionIdentifier = 0x0B,
    SessionExpiryInterval = 0x11,
    AssignedClientIdentifier = 0x12,
    ServerKeepAlive = 0x13,
    AuthenticationMethod = 0x15,
    AuthenticationData = 0x16,
    RequestProblemInformation = 0x17,
    WillDelayInterval = 0x18,
    RequestResponseInformation = 0x19,
    ResponseInformation = 0x1A,
    ServerReference = 0x1C,
    ReasonString = 0x1F,
    ReceiveMaximum = 0x21,
    TopicAliasMaximum = 0x22,
    TopicAlias = 0x23,
    MaximumQos = 0x24,
    RetainAvailable = 0x25,
    UserProperty = 0x26,
    MaximumPacketSize = 0x27,
    WildcardSubscriptionAvailable = 0x28,
    SubscriptionIdentifierAvailable = 0x29,
    SharedSubscriptionAvailable = 0x2A,
};

// Where a property block stands: each place allows its own set (table 2-4).
enum class PropertyPlace : std::uint8_t {
    Connect,
    Will,
    Connack,
    Publish,
    Ack,  // PUBACK, PUBREC, PUBREL, PUBCOMP
    Subscribe,
    Suback,  // and UNSUBACK
    Unsubscribe,
    Disconnect,
    Auth,
};

// One property block, every value at its default where the block does not say.
// Views point into the packet.
struct Properties {
    std::uint64_t present = 0;  // bit n: the property with identifier n came
    Bytes raw;                  // the block without its length

    std::uint32_t message_expiry_interval_s = 0;
    std::uint32_t subscription_identifier = 0;  // the last, as PUBLISH may hold several
    std::uint32_t session_expiry_interval_s = 0;
    std::uint32_t will_delay_interval_s = 0;
    std::uint32_t maximum_packet_size = 0xFFFFFFFF;
    std::uint16_t server_keep_alive_s = 0;
    std::uint16_t receive_maximum = 65535;
    std::uint16_t topic_alias_maximum = 0;
    std::uint16_t topic_alias = 0;
    std::uint8_t payload_format_indicator = 0;
    std::uint8_t maximum_qos = 2;
    bool request_problem_information = true;
    bool request_response_information = false;
    bool retain_available = true;
    bool wildcard_subscription_available = true;
    bool subscription_identifier_available = true;
    bool shared_subscription_available = true;
    std::string_view content_type;
    std::string_view response_topic;
    std::string_view assigned_client_identifier;
    std::string_view authentication_method;
    std::string_view response_information;
    std::string_view server_reference;
    std::string_view reason_string;
    Bytes correlation_data;
    Bytes authentication_data;

    bool has(Property property) const {
        return (present >> static_cast<unsigned>(property) & 1) != 0;
    }
};

// Reads the length and the block. Fails on a property that `place` does not allow, on one that may
// come once and came twice, and on a value out of its range (section 2.2.2.2 and each property's).
Decoded<Properties> read_properties(Reader& reader, PropertyPlace place);

// One property of a block: its value in the member that fits its type.
struct PropertyField {
    Property property = Property::UserProperty;
    std::uint32_t number = 0;
    Bytes bytes;  // of text and binary data; of a user property its value
};

// Takes the next property from a block and checks it as read_properties() says. `present` has a bit
// for each one taken so far. REQUIRES: !block.empty().
Decoded<PropertyField> take_property(Reader& block, PropertyPlace place, std::uint64_t& present);

// The size of the first property of a block that read_properties() accepted, identifier included.
std::size_t property_size(Bytes raw);

// Calls visit(property, field) for each property of a block that read_properties() accepted;
// `field` is the whole property, identifier byte included.
template <typename Visit>
void for_each_property(Bytes raw, Visit visit) {
    while (!raw.empty()) {
        const Bytes field = raw.first(property_size(raw));
        visit(static_cast<Property>(field[0]), field);
        raw = raw.subspan(field.size());
    }
}

// The bytes of a valid block that a server forwards as they are: all but topic alias, message
// expiry interval, subscription identifier and will delay interval, which it writes anew.
// Writes at most raw.size() bytes to `out`; returns how many.
std::size_t copy_forwarded(Bytes raw, std::byte* out);

// One user property of a block.
struct UserProperty {
    std::string_view name;
    std::string_view value;
};

// REQUIRES: for_each_property() gave `field`, as a user property.
UserProperty user_property(Bytes field);

}  // namespace starling
