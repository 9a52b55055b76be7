#include "app/client_trace.h"

#include <cstdio>

#include <fmt/format.h>

#include "mqtt/decode.h"
#include "mqtt/framer.h"
#include "mqtt/varint.h"

namespace starling {
namespace {

const char* type_name(PacketType type) {
    static constexpr const char* kNames[] = {"",          "CONNECT",  "CONNACK",     "PUBLISH",
                                             "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                                             "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                                             "PINGREQ",   "PINGRESP", "DISCONNECT",  "AUTH"};
    return kNames[static_cast<int>(type)];
}

std::string publish_detail(const Publish& publish) {
    return fmt::format(" (d{:d}, q{}, r{:d}, m{}, '{}', ... ({} bytes))", publish.dup,
                       static_cast<int>(publish.qos), publish.retain, publish.packet_id,
                       publish.topic, publish.payload.size());
}

std::string suback_detail(const Suback& suback) {
    std::string text = fmt::format(" (Mid: {}", suback.packet_id);
    for (const Reason reason : suback.reasons)
        text += fmt::format(", {}", static_cast<int>(reason));
    return text + ')';
}

std::string subscribe_detail(const Subscribe& subscribe) {
    std::string text = fmt::format(" (Mid: {}", subscribe.packet_id);
    for (const SubscribeFilter& one : subscribe.filters)
        text += fmt::format(", Topic: {}, QoS: {}", one.filter, static_cast<int>(one.qos));
    return text + ')';
}

std::string unsubscribe_detail(const Unsubscribe& unsubscribe) {
    std::string text = fmt::format(" (Mid: {}", unsubscribe.packet_id);
    for (const std::string_view filter : unsubscribe.filters)
        text += fmt::format(", Topic: {}", filter);
    return text + ')';
}

std::string ack_detail(const Ack& ack) {
    return fmt::format(" (Mid: {}, RC:{})", ack.packet_id, static_cast<int>(ack.reason));
}

// Nothing of a packet that does not decode.
template <typename Packet, typename Describe>
std::string described(const Decoded<Packet>& packet, Describe describe) {
    return packet ? describe(*packet) : "";
}

std::string detail(const Frame& frame, Version version, Sender sender) {
    switch (frame.type) {
        case PacketType::Publish:
            return described(decode_publish(frame, version, sender), publish_detail);
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp: return described(decode_ack(frame, version), ack_detail);
        case PacketType::Subscribe:
            return described(decode_subscribe(frame, version), subscribe_detail);
        case PacketType::Unsubscribe:
            return described(decode_unsubscribe(frame, version), unsubscribe_detail);
        case PacketType::Suback:
        case PacketType::Unsuback: return described(decode_suback(frame, version), suback_detail);
        case PacketType::Connack:
            return described(decode_connack(frame, version), [](const Connack& connack) {
                return fmt::format(" ({})", static_cast<int>(connack.reason));
            });
        case PacketType::Disconnect:
            return described(decode_disconnect(frame, version, sender), [](const Disconnect& one) {
                return fmt::format(" ({})", static_cast<int>(one.reason));
            });
        default: return "";
    }
}

}  // namespace

void print_packet(const std::string& client_id, PacketDirection direction, std::uint16_t stream,
                  Bytes packet, Version version) {
    const auto frame = next_frame(packet, kPacketBytesMax);
    if (!frame) return;
    const bool is_sent = direction == PacketDirection::Sent;
    fmt::print("Client {} {} {}{}{}\n", client_id.empty() ? "(null)" : client_id,
               is_sent ? "sending" : "received", type_name(frame->type),
               detail(*frame, version, is_sent ? Sender::Client : Sender::Server),
               stream == 0 ? "" : fmt::format(" on stream {}", stream));
    std::fflush(stdout);
}

}  // namespace starling
