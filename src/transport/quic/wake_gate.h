// How many connections a core wakes at a time.
#pragma once

#include <cstdint>

#include "base/fifo.h"
#include "base/handle.h"

namespace starling::quic {

// A parked connection that is to send needs a place here until its peer has acknowledged all, or a
// probe timeout (PTO) is over. Those that find none wait, first come first served.
//
// Without a bound, whoever sends to a million parked connections has all their timers run out
// before the first acknowledgements have been read, and sends everything twice.
// Owner: one core.
class WakeGate {
public:
    explicit WakeGate(std::uint32_t places) : places_(places), free_(places) {}

    // A place. False while none is free, and while others wait for one.
    bool enter() {
        if (free_ == 0 || !waiting_.empty()) return false;
        --free_;
        return true;
    }

    // Eight bytes each. REQUIRES: it does not wait already.
    void wait(Handle connection) { waiting_.push(connection); }

    bool has_next() const { return free_ != 0 && !waiting_.empty(); }

    // Who has waited longest, and has a place now. It may be gone. REQUIRES: has_next().
    Handle next() {
        --free_;
        return waiting_.pop();
    }

    void leave() { ++free_; }

    // Those that have a place.
    std::uint32_t awake() const { return places_ - free_; }

private:
    const std::uint32_t places_;
    std::uint32_t free_;
    Fifo<Handle> waiting_;
};

}  // namespace starling::quic
