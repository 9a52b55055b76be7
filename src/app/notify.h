// Tells the service manager how we are.
#pragma once

#include <string_view>

namespace starling {

// Sends "READY=1", "STOPPING=1" and the like to $NOTIFY_SOCKET, as sd_notify(3) does. Without that
// variable, or when nobody listens, nothing happens.
void notify_manager(std::string_view state);

}  // namespace starling
