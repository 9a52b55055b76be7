#include "mqtt/open_packet.h"

namespace starling {

OpenPacket::~OpenPacket() {
    const std::size_t length = out_.size() - length_at_ - 1;
    STARLING_ASSERT(length <= kVarintMax);
    const auto number = static_cast<std::uint32_t>(length);
    const auto at = out_.begin() + static_cast<std::ptrdiff_t>(length_at_);
    out_.insert(at, varint_size(number) - 1, std::byte{0});
    store_varint(out_.data() + length_at_, number);
}

void append_properties(ByteVector& out, const PropertyWriter& properties,
                       std::string_view reason_string) {
    PropertyWriter explained;
    if (!reason_string.empty()) explained.add_string(Property::ReasonString, reason_string);
    append_varint(out, properties.block().size() + explained.block().size());
    append_bytes(out, properties.block());
    append_bytes(out, explained.block());
}

}  // namespace starling
