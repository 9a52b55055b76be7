// Timers of the connections that have one.
#pragma once

#include <functional>
#include <queue>
#include <vector>

#include "base/handle.h"
#include "transport/quic/datagram.h"

namespace starling::quic {

// A heap of due times. Like the reactor's wheel it forgets nothing before its time: who is named
// looks whether it still matters. An idle connection has no timer at all, and a busy one needs them
// to the millisecond, which a wheel of 16 ms does not give.
// Owner: one core.
class ExpiryQueue {
public:
    void arm(TimeNs due, Handle connection) { heap_.push({due, connection}); }

    // kNeverNs when no timer is armed.
    TimeNs next() const { return heap_.empty() ? kNeverNs : heap_.top().due; }

    // Takes the earliest. REQUIRES: next() != kNeverNs.
    Handle pop() {
        const Handle connection = heap_.top().connection;
        heap_.pop();
        return connection;
    }

private:
    struct Timer {
        TimeNs due;
        Handle connection;
        bool operator>(const Timer& other) const { return due > other.due; }
    };

    std::priority_queue<Timer, std::vector<Timer>, std::greater<>> heap_;
};

}  // namespace starling::quic
