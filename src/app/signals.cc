#include "app/signals.h"

#include <atomic>
#include <cerrno>
#include <unistd.h>

namespace starling {
namespace {

// What a signal handler can reach.
std::atomic<Poller*> signalled_poller{nullptr};
std::atomic<bool> wants_stop{false};
std::atomic<bool> wants_reload{false};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<Poller*>::is_always_lock_free);

extern "C" void on_signal(int number) {
    if (number == SIGHUP) wants_reload = true;
    else if (wants_stop.exchange(true)) ::_exit(128 + number);
    const int saved = errno;
    signalled_poller.load()->wake();
    errno = saved;
}

}  // namespace

Signals::Signals(Poller& poller) {
    signalled_poller = &poller;
    struct sigaction action {};
    action.sa_handler = on_signal;
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaction(number, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

Signals::~Signals() {
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::signal(number, SIG_DFL);
}

bool Signals::want_stop() const { return wants_stop; }

bool Signals::want_reload() { return wants_reload.exchange(false); }

}  // namespace starling
