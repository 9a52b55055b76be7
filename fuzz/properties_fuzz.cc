// Reads any bytes as a property block of any place, and visits and copies what was accepted.
#include "base/assert.h"
#include "mqtt/append.h"
#include "mqtt/properties.h"

namespace starling {
namespace {

void check_visit(const Properties& properties) {
    const std::byte* at = properties.raw.data();
    std::uint64_t seen = 0;
    for_each_property(properties.raw, [&](Property property, Bytes field) {
        STARLING_ASSERT(field.data() == at);
        at += field.size();
        seen |= std::uint64_t{1} << static_cast<unsigned>(property);
        if (property != Property::UserProperty) return;
        const UserProperty user = user_property(field);
        STARLING_ASSERT(user.name.size() + user.value.size() + 5 == field.size());
    });
    STARLING_ASSERT(at == properties.raw.data() + properties.raw.size());
    STARLING_ASSERT(seen == properties.present);
}

// What is forwarded is legal where it stood, and forwarded whole the next time.
void check_copy(const Properties& properties, PropertyPlace place) {
    ByteVector copy(properties.raw.size());
    copy.resize(copy_forwarded(properties.raw, copy.data()));
    ByteVector block;
    append_varint(block, copy.size());
    append_bytes(block, copy);
    Reader reader(block);
    const auto again = read_properties(reader, place);
    STARLING_ASSERT(again.ok());
    STARLING_ASSERT(!again->has(Property::TopicAlias));
    ByteVector twice(copy.size());
    STARLING_ASSERT(copy_forwarded(copy, twice.data()) == copy.size() && twice == copy);
}

void run(Bytes input) {
    if (input.empty()) return;
    const auto place = static_cast<PropertyPlace>(std::to_integer<unsigned>(input[0]) % 10);
    Reader reader(input.subspan(1));
    const auto properties = read_properties(reader, place);
    if (!properties) {
        STARLING_ASSERT(is_error(properties.error().reason));
        return;
    }
    check_visit(*properties);
    check_copy(*properties, place);
}

}  // namespace
}  // namespace starling

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::run(std::as_bytes(std::span(data, size)));
    return 0;
}
