// Bytes to packets. Every byte rule of the specification is checked here; what needs the state of a
// connection or session is the broker's affair.
#pragma once

#include <string_view>

#include "mqtt/framer.h"
#include "mqtt/packets.h"

namespace starling {

// `frame` is whole and of the type that the function names. All fail with the reason that a
// version 5 peer is to be told, and never read outside frame.body.

// An unknown protocol name or level fails with Unsupported Protocol Version [MQTT-3.1.2-1]
// [MQTT-3.1.2-2]; `client_id` rules that depend on configuration are the broker's.
Decoded<Connect> decode_connect(const Frame& frame);

// In which version to refuse a CONNECT that does not decode.
Version answer_version(const Frame& connect);

Decoded<Connack> decode_connack(const Frame& frame, Version version);

// From a client, a subscription identifier is a protocol error [MQTT-3.3.4-6].
// The topic has no wildcard [MQTT-3.3.2-2]; it is empty only with an alias. `seen` is one that has
// come before: it is not looked at again.
Decoded<Publish> decode_publish(const Frame& frame, Version version, Sender sender,
                                std::string_view seen = {});

Decoded<Ack> decode_ack(const Frame& frame, Version version);  // PUBACK to PUBCOMP
Decoded<Subscribe> decode_subscribe(const Frame& frame, Version version);
Decoded<Suback> decode_suback(const Frame& frame, Version version);  // and UNSUBACK
Decoded<Unsubscribe> decode_unsubscribe(const Frame& frame, Version version);
Decoded<Disconnect> decode_disconnect(const Frame& frame, Version version, Sender sender);
Decoded<Auth> decode_auth(const Frame& frame, Sender sender = Sender::Client);

}  // namespace starling
