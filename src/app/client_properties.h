// The properties of version 5 by their names, as `-D` takes them and JSON shows them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mqtt/encode.h"
#include "mqtt/properties.h"

namespace starling {

// "message-expiry-interval" and the like.
std::string_view property_name(Property property);

// The value of a property that is not a pair, as for_each_property() gave it; numbers in decimal.
std::string property_text(Bytes field);
bool is_numeric(Property property);

// How many words a `-D` of this property has.
std::size_t property_words(std::string_view name);

// One `-D`. `value` is a number where the property's is; `name` belongs to a user property.
struct PropertyArgument {
    PropertyPlace place = PropertyPlace::Connect;
    Property property = Property::UserProperty;
    std::uint32_t number = 0;
    std::string name;
    std::string value;
};

// Reads what stands behind `-D`: where, which, its value; of a user property its name before that.
// The error says what is wrong. REQUIRES: three words, or four for a user property.
Result<PropertyArgument, std::string> parse_property(std::span<const std::string> words);

void add(PropertyWriter& properties, const PropertyArgument& argument);

}  // namespace starling
