// A message as JSON.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "client/client.h"

namespace starling {

// One object on one line. With `embeds_payload` the payload is a value of its own, as it came but
// for blanks, and there is no answer when it is not JSON; else it is a string.
std::optional<std::string> message_json(const IncomingMessage& message, const timespec& when,
                                        bool embeds_payload);

// Valid JSON without blanks, spread over lines and indented by tabs.
std::string pretty_json(std::string_view json);

}  // namespace starling
