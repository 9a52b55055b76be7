// Waits for sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/time.h"

namespace starling {

// What happened to one registered socket since the last report.
struct Readiness {
    std::uint64_t token = 0;
    bool readable = false;  // also at the peer's end and on errors: reading tells
    bool writable = false;
    bool ended = false;   // the peer's end or an error waits behind what is still to be read
    bool opened = false;  // the peer has opened streams beside this one: see Stream::accept()
};

// Reports readiness edge by edge: a socket is registered once, for both directions, and nobody is
// told twice about the same bytes. Owner: one core; only wake() may be called from elsewhere.
class Poller {
public:
    // Sockets reported by one wait(), of which a wake-up takes the place of one. The others are in
    // line for the next.
    static constexpr std::size_t kReportsPerWait = 512;

    virtual ~Poller() = default;

    // Edges that wait already are reported by the next wait(). `token` comes back with each.
    virtual Result<void> add(int descriptor, std::uint64_t token) = 0;

    // The answer of the last wait() may still name it.
    virtual void remove(int descriptor) = 0;

    // Sleeps until something is ready, wake() is called or `timeout_ms` has passed (kNever: no
    // limit). The answer is good until the next call.
    virtual std::span<const Readiness> wait(TimeMs timeout_ms) = 0;

    // Ends a wait() now or the next one. Any thread.
    virtual void wake() = 0;
};

}  // namespace starling
