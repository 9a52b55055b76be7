// DISCONNECT and AUTH: MQTT 5.0, sections 3.14 and 3.15.
#include "mqtt/decode.h"

namespace starling {

Decoded<Disconnect> decode_disconnect(const Frame& frame, Version version, Sender sender) {
    Disconnect disconnect;
    Reader reader(frame.body);
    if (version == Version::V5 && !reader.empty()) {
        STARLING_SET(disconnect.reason, reader.reason(PacketType::Disconnect, sender));
        if (!reader.empty())
            STARLING_SET(disconnect.properties, read_properties(reader, PropertyPlace::Disconnect));
    }
    if (sender == Sender::Server && disconnect.properties.has(Property::SessionExpiryInterval))
        return protocol_error("[MQTT-3.14.2-2] session expiry interval from a server");
    STARLING_CHECK(reader.end());
    return disconnect;
}

Decoded<Auth> decode_auth(const Frame& frame, Sender sender) {
    Auth auth;
    Reader reader(frame.body);
    if (reader.empty()) return auth;  // success (section 3.15.2.1)
    STARLING_SET(auth.reason, reader.reason(PacketType::Auth, sender));
    STARLING_SET(auth.properties, read_properties(reader, PropertyPlace::Auth));
    if (!auth.properties.has(Property::AuthenticationMethod))
        return protocol_error("section 3.15.2.2.2: AUTH without an authentication method");
    STARLING_CHECK(reader.end());
    return auth;
}

}  // namespace starling
