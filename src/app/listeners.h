// Where the broker listens.
#pragma once

#include <string>
#include <vector>

#include "app/quic_service.h"
#include "app/seat.h"
#include "config/settings.h"

namespace starling {

// Says who may come in, before anybody does.
void explain_access(const Settings& settings);

// Has every seat listen at all that the settings name, logs where, and answers it, with the ports
// that were picked. `quic` is null when nothing of that is QUIC. The error names the address.
Result<std::vector<Endpoint>, std::string> listen_everywhere(Seats& seats, const Settings& settings,
                                                             QuicService* quic);

}  // namespace starling
