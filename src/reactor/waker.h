// One wake-up for a core that sleeps, none for one that is awake.
#pragma once

#include <atomic>

#include "reactor/poller.h"

namespace starling {

// The core says that it will sleep, looks at its mail once more, then waits; a sender puts mail
// into the box, then calls notify(). Both sides order their two steps by a full fence, so either
// the core sees the mail or the sender sees the core asleep. Owner: one core; notify() from any
// thread.
class Waker {
public:
    explicit Waker(Poller& poller) : poller_(poller) {}

    // The core's: before its last look. Call awake() whatever the look finds.
    void falling_asleep() {
        sleeping_.store(true, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    void awake() { sleeping_.store(false, std::memory_order_relaxed); }

    // A sender's: after its mail is in the box. True when it had to wake the core.
    bool notify() {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (!sleeping_.load(std::memory_order_relaxed)) return false;
        if (!sleeping_.exchange(false, std::memory_order_relaxed)) return false;
        poller_.wake();
        return true;
    }

private:
    Poller& poller_;
    std::atomic<bool> sleeping_{false};
};

}  // namespace starling
