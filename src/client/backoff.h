// When a client connects again, and whether at all.
#pragma once

#include <optional>

#include "base/random.h"
#include "client/client.h"

namespace starling {

// Counts the failures in a row. Owner: the client's core.
class Backoff {
public:
    // How long to wait after one more failure; none when it was the last.
    std::optional<TimeMs> next(const ReconnectOptions& options, Random& random);

    void reset() { failures_ = 0; }

private:
    std::uint32_t failures_ = 0;
};

// False for what waiting does not cure: the user's own wish, a server of fewer streams, a refusal
// of who or what the client is, and a takeover, which two clients of one id would otherwise do to
// each other for ever.
bool is_worth_retrying(const Disconnection& disconnection);

}  // namespace starling
