// What the system and its operator tell a running broker.
#pragma once

#include <csignal>
#include <pthread.h>
#include <thread>
#include <utility>

#include "reactor/poller.h"

namespace starling {

// For as long as this lives, SIGTERM, SIGINT and SIGHUP are noted and wake `poller`, and SIGPIPE is
// ignored. A second SIGTERM or SIGINT ends the process, with 128 and its number.
// Owner: the main thread, one at a time.
class Signals {
public:
    explicit Signals(Poller& poller);
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals();

    // SIGTERM or SIGINT has come.
    bool want_stop() const;

    // SIGHUP has come since this was asked last.
    bool want_reload();

    // A thread that no signal interrupts: they are this one's.
    template <typename Run>
    static std::jthread start_thread(Run run) {
        sigset_t all, before;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        std::jthread thread(std::move(run));
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return thread;
    }
};

}  // namespace starling
