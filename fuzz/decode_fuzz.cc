// Decodes any bytes as packets of each version and sender. What is accepted is encoded again and
// must be read back the same.
#include "base/assert.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "mqtt/varint.h"

namespace starling {
namespace {

// Who speaks. Owner: the stack.
struct Peer {
    Version version;
    Sender sender;
};

// The one packet in `bytes`.
Frame frame_of(Bytes bytes) {
    const auto frame = next_frame(bytes, kPacketBytesMax);
    STARLING_ASSERT(frame.ok() && frame->size == bytes.size());
    return *frame;
}

bool same(Bytes a, Bytes b) { return as_text(a) == as_text(b); }

void check(const Connect& connect, Peer) {
    ByteVector out;
    encode_connect(out, connect, {}, {});
    const auto again = decode_connect(frame_of(out));
    STARLING_ASSERT(again.ok());
    STARLING_ASSERT(again->version == connect.version);
    STARLING_ASSERT(again->clean_start == connect.clean_start);
    STARLING_ASSERT(again->keep_alive_s == connect.keep_alive_s);
    STARLING_ASSERT(again->client_id == connect.client_id);
    STARLING_ASSERT(again->user_name == connect.user_name);
    STARLING_ASSERT(again->password.has_value() == connect.password.has_value());
    STARLING_ASSERT(!connect.password || same(*again->password, *connect.password));
    STARLING_ASSERT(again->will.has_value() == connect.will.has_value());
    if (!connect.will) return;
    STARLING_ASSERT(again->will->qos == connect.will->qos);
    STARLING_ASSERT(again->will->retain == connect.will->retain);
    STARLING_ASSERT(again->will->topic == connect.will->topic);
    STARLING_ASSERT(same(again->will->payload, connect.will->payload));
}

void check(const Connack& connack, Peer peer) {
    ByteVector out;
    encode_connack(out, peer.version, connack.session_present, connack.reason, {},
                   {connack.properties.reason_string});
    const auto again = decode_connack(frame_of(out), peer.version);
    STARLING_ASSERT(again.ok());
    STARLING_ASSERT(again->reason == connack.reason);
    STARLING_ASSERT(peer.version == Version::V3 ||
                    again->session_present == connack.session_present);
    STARLING_ASSERT(again->properties.reason_string == connack.properties.reason_string);
}

PublishHead head_of(const Publish& publish, Version version) {
    return {.version = version,
            .qos = publish.qos,
            .dup = publish.dup,
            .retain = publish.retain,
            .packet_id = publish.packet_id,
            .topic_alias = publish.topic_alias,
            .expiry_interval_s = publish.expiry_interval_s,
            .topic = publish.topic,
            .payload_size = publish.payload.size()};
}

std::vector<std::uint32_t> subscription_identifiers(const Publish& publish) {
    std::vector<std::uint32_t> identifiers;
    for_each_property(publish.properties, [&](Property property, Bytes field) {
        if (property == Property::SubscriptionIdentifier)
            identifiers.push_back(load_varint(field.subspan(1)).value);
    });
    return identifiers;
}

ByteVector forwarded(const Publish& publish) {
    ByteVector out(publish.properties.size());
    out.resize(copy_forwarded(publish.properties, out.data()));
    return out;
}

void check(const Publish& publish, Peer peer) {
    const auto identifiers = subscription_identifiers(publish);
    const ByteVector properties = forwarded(publish);
    PublishHead head = head_of(publish, peer.version);
    head.subscription_identifiers = identifiers;
    head.forwarded = properties;

    const PublishSize size = publish_size(head);
    ByteVector out(size.whole);
    std::byte* end = store_bytes(write_publish_head(head, out.data()), publish.payload);
    STARLING_ASSERT(end == out.data() + out.size());

    const auto again = decode_publish(frame_of(out), peer.version, peer.sender);
    STARLING_ASSERT(again.ok());
    STARLING_ASSERT(again->qos == publish.qos && again->dup == publish.dup);
    STARLING_ASSERT(again->retain == publish.retain && again->packet_id == publish.packet_id);
    STARLING_ASSERT(again->topic_alias == publish.topic_alias);
    STARLING_ASSERT(again->expiry_interval_s == publish.expiry_interval_s);
    STARLING_ASSERT(again->topic == publish.topic && same(again->payload, publish.payload));
    STARLING_ASSERT(subscription_identifiers(*again) == identifiers);
    STARLING_ASSERT(forwarded(*again) == properties);
}

void check(const Ack& ack, PacketType type, Peer peer) {
    ByteVector out;
    encode_ack(out, peer.version, type, ack.packet_id, ack.reason, {ack.reason_string});
    const auto again = decode_ack(frame_of(out), peer.version);
    STARLING_ASSERT(again.ok());
    STARLING_ASSERT(again->packet_id == ack.packet_id && again->reason == ack.reason);
    STARLING_ASSERT(again->reason_string == ack.reason_string);
}

void check(const Subscribe& subscribe, Peer peer) {
    ByteVector out;
    encode_subscribe(out, peer.version, subscribe);
    const auto again = decode_subscribe(frame_of(out), peer.version);
    STARLING_ASSERT(again.ok());
    STARLING_ASSERT(again->packet_id == subscribe.packet_id);
    STARLING_ASSERT(again->subscription_identifier == subscribe.subscription_identifier);
    STARLING_ASSERT(again->filters.size() == subscribe.filters.size());
    for (std::size_t i = 0; i < subscribe.filters.size(); ++i) {
        const SubscribeFilter& a = again->filters[i];
        const SubscribeFilter& b = subscribe.filters[i];
        STARLING_ASSERT(a.filter == b.filter && a.qos == b.qos && a.no_local == b.no_local);
        STARLING_ASSERT(a.retain_as_published == b.retain_as_published);
        STARLING_ASSERT(a.retain_handling == b.retain_handling);
    }
}

void check(const Suback& suback, PacketType type, Peer peer) {
    ByteVector out;
    const auto encode = type == PacketType::Suback ? encode_suback : encode_unsuback;
    encode(out, peer.version, suback.packet_id, suback.reasons);
    const auto again = decode_suback(frame_of(out), peer.version);
    STARLING_ASSERT(again.ok());
    STARLING_ASSERT(again->packet_id == suback.packet_id && again->reasons == suback.reasons);
}

void check(const Unsubscribe& unsubscribe, Peer peer) {
    ByteVector out;
    encode_unsubscribe(out, peer.version, unsubscribe);
    const auto again = decode_unsubscribe(frame_of(out), peer.version);
    STARLING_ASSERT(again.ok());
    STARLING_ASSERT(again->packet_id == unsubscribe.packet_id);
    STARLING_ASSERT(again->filters == unsubscribe.filters);
}

void check(const Disconnect& disconnect, Peer peer) {
    ByteVector out;
    encode_disconnect(out, peer.version, disconnect.reason, {},
                      {disconnect.properties.reason_string});
    const auto again = decode_disconnect(frame_of(out), peer.version, peer.sender);
    STARLING_ASSERT(again.ok());
    STARLING_ASSERT(again->reason == disconnect.reason);
    STARLING_ASSERT(again->properties.reason_string == disconnect.properties.reason_string);
}

void check(const Auth& auth, Peer peer) {
    PropertyWriter properties;
    properties.add_string(Property::AuthenticationMethod, auth.properties.authentication_method);
    properties.add_binary(Property::AuthenticationData, auth.properties.authentication_data);
    ByteVector out;
    encode_auth(out, auth.reason, properties);
    const auto again = decode_auth(frame_of(out), peer.sender);
    STARLING_ASSERT(again.ok() || auth.reason == Reason::Success);
    STARLING_ASSERT(!again || again->reason == auth.reason);
}

// Checks a packet that was accepted; one that was refused has a reason that can be told.
template <typename Packet, typename... Arguments>
void check_decoded(const Decoded<Packet>& packet, Arguments... arguments) {
    if (packet) return check(*packet, arguments...);
    STARLING_ASSERT(is_error(packet.error().reason) && packet.error().text[0] != 0);
}

void check_frame(const Frame& frame, Peer peer) {
    switch (frame.type) {
        case PacketType::Connect:
            answer_version(frame);
            return check_decoded(decode_connect(frame), peer);
        case PacketType::Connack: return check_decoded(decode_connack(frame, peer.version), peer);
        case PacketType::Publish:
            return check_decoded(decode_publish(frame, peer.version, peer.sender), peer);
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp:
            return check_decoded(decode_ack(frame, peer.version), frame.type, peer);
        case PacketType::Subscribe:
            return check_decoded(decode_subscribe(frame, peer.version), peer);
        case PacketType::Suback:
        case PacketType::Unsuback:
            return check_decoded(decode_suback(frame, peer.version), frame.type, peer);
        case PacketType::Unsubscribe:
            return check_decoded(decode_unsubscribe(frame, peer.version), peer);
        case PacketType::Disconnect:
            return check_decoded(decode_disconnect(frame, peer.version, peer.sender), peer);
        case PacketType::Auth: return check_decoded(decode_auth(frame, peer.sender), peer);
        case PacketType::Pingreq:
        case PacketType::Pingresp: return;
    }
}

void run(Bytes stream) {
    while (true) {
        const auto frame = next_frame(stream, kPacketBytesMax);
        if (!frame || frame->size == 0) return;
        for (const Version version : {Version::V3, Version::V4, Version::V5})
            for (const Sender sender : {Sender::Client, Sender::Server})
                check_frame(*frame, {version, sender});
        stream = stream.subspan(frame->size);
    }
}

}  // namespace
}  // namespace starling

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::run(std::as_bytes(std::span(data, size)));
    return 0;
}
