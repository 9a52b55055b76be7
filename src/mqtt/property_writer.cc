#include "mqtt/append.h"
#include "mqtt/encode.h"

namespace starling {
namespace {

void append_identifier(ByteVector& block, Property property) {
    append_u8(block, static_cast<unsigned>(property));
}

}  // namespace

void PropertyWriter::add_u8(Property property, std::uint8_t value) {
    append_identifier(block_, property);
    append_u8(block_, value);
}

void PropertyWriter::add_u16(Property property, std::uint16_t value) {
    append_identifier(block_, property);
    append_u16(block_, value);
}

void PropertyWriter::add_u32(Property property, std::uint32_t value) {
    append_identifier(block_, property);
    append_u32(block_, value);
}

void PropertyWriter::add_varint(Property property, std::uint32_t value) {
    append_identifier(block_, property);
    append_varint(block_, value);
}

void PropertyWriter::add_string(Property property, std::string_view value) {
    add_binary(property, as_bytes(value));
}

void PropertyWriter::add_binary(Property property, Bytes value) {
    append_identifier(block_, property);
    append_binary(block_, value);
}

void PropertyWriter::add_user(std::string_view name, std::string_view value) {
    add_string(Property::UserProperty, name);
    append_string(block_, value);
}

}  // namespace starling
