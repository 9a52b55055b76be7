#include "mqtt/reader.h"

#include "mqtt/utf8.h"
#include "mqtt/varint.h"

namespace starling {

Decoded<std::uint32_t> Reader::varint() {
    const Varint read = load_varint(rest_);
    if (read.size == 0) return malformed("section 1.2: the packet ends inside a field");
    if (read.size != varint_size(read.value))  // too long is not the shortest either
        return malformed("[MQTT-1.5.5-1] variable byte integer not in its shortest form");
    rest_ = rest_.subspan(read.size);
    return read.value;
}

Decoded<std::string_view> Reader::string() {
    STARLING_TRY(field, binary());
    const std::string_view text = as_text(field);
    if (!is_mqtt_text(text))
        return malformed("[MQTT-1.5.4-1] [MQTT-1.5.4-2] text not in UTF-8, or with U+0000");
    return text;
}

Decoded<std::uint16_t> Reader::packet_id() {
    STARLING_TRY(id, u16());
    if (id == 0) return protocol_error("[MQTT-2.2.1-3] packet identifier 0");
    return id;
}

Decoded<Reason> Reader::reason(PacketType type, Sender sender) {
    STARLING_TRY(code, u8());
    const auto reason = static_cast<Reason>(code);
    if (!may_carry(type, sender, reason))
        return protocol_error("section 2.4: a reason code that this packet may not hold");
    return reason;
}

}  // namespace starling
