// Text as MQTT allows it.
#pragma once

#include <string_view>

namespace starling {

// Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) without
// U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]. Fast over ASCII.
bool is_mqtt_text(std::string_view text);

}  // namespace starling
