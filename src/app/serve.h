// `starling serve`: the broker, from its listeners to its last goodbye.
#pragma once

#include "config/settings.h"

namespace starling {

// Returns the exit status of the program when the broker has stopped: 0 after SIGTERM or SIGINT,
// 1 when it could not start. A second signal ends the process at once, with 128 and its number.
int serve(const Settings& settings);

}  // namespace starling
