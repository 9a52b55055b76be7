// How the clients of one process reach the broker.
#pragma once

#include <memory>

#include "base/result.h"
#include "client/client.h"
#include "load/scenario.h"
#include "reactor/poller.h"

namespace starling {

// The poller of a process and what dials, over TCP or QUIC. Owner: its core; outlives the clients.
class LoadAccess {
public:
    // `process`: its number. Fails for want of descriptors or memory, and when a file of the
    // scenario's trust has changed since it was read first.
    static Result<std::unique_ptr<LoadAccess>> open(const LoadScenario& scenario,
                                                    std::uint32_t process);
    virtual ~LoadAccess() = default;

    virtual Poller& poller() = 0;
    virtual Dial dial() = 0;
};

}  // namespace starling
