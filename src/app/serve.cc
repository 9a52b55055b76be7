#include "app/serve.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <stop_token>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "app/notify.h"
#include "auth/allow_all.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/random.h"
#include "base/version.h"
#include "broker/broker.h"
#include "broker/commons.h"
#include "reactor/core.h"
#include "reactor/cpus.h"
#include "reactor/epoll_poller.h"
#include "storage/memory_store.h"
#include "transport/socket.h"

namespace starling {
namespace {

// What a signal handler can reach.
std::atomic<Poller*> signalled_poller{nullptr};
std::atomic<bool> was_signalled{false};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<Poller*>::is_always_lock_free);

extern "C" void on_signal(int number) {
    if (was_signalled.exchange(true)) ::_exit(128 + number);
    const int saved = errno;
    signalled_poller.load()->wake();
    errno = saved;
}

// SIGTERM and SIGINT wake `poller` for as long as this lives, and SIGPIPE is ignored.
// Owner: the main thread, one at a time.
class Signals {
public:
    explicit Signals(Poller& poller) {
        signalled_poller = &poller;
        struct sigaction action {};
        action.sa_handler = on_signal;
        ::sigaction(SIGTERM, &action, nullptr);
        ::sigaction(SIGINT, &action, nullptr);
        ::signal(SIGPIPE, SIG_IGN);
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals() {
        ::signal(SIGTERM, SIG_DFL);
        ::signal(SIGINT, SIG_DFL);
    }

    bool have_come() const { return was_signalled; }

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

// Whether somebody can listen here: 0, or an errno. Asked once without SO_REUSEPORT, under which a
// second broker of the same user would silently take half of the connections.
int bind_failure(const Endpoint& endpoint) {
    const bool every_address = endpoint.host.empty();
    const auto address = SocketAddress::parse(every_address ? "::" : endpoint.host, endpoint.port);
    if (!address) return 0;  // the listener says what is wrong with it
    const int descriptor = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return errno;
    const int on = 1;
    const int v6_only = !every_address;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
    const int failure = ::bind(descriptor, address->data(), address->size()) == 0 ? 0 : errno;
    ::close(descriptor);
    return failure;
}

// A listening socket as the broker wants it. Owner: the broker.
class TcpSource final : public StreamSource {
public:
    explicit TcpSource(std::unique_ptr<TcpListener> listener) : listener_(std::move(listener)) {}

    Result<void> attach(Poller& poller, std::uint64_t token) override {
        return listener_->attach(poller, token);
    }
    Taken take(std::unique_ptr<Stream>& stream) override {
        switch (listener_->accept(stream)) {
            case TcpListener::Accepted::Stream: return Taken::Stream;
            case TcpListener::Accepted::None: return Taken::None;
            case TcpListener::Accepted::Exhausted: break;
        }
        return Taken::Exhausted;
    }

private:
    std::unique_ptr<TcpListener> listener_;
};

using Outcome = Result<void, std::string>;

// One core of the broker: its loop and what it runs. Owner: serve(); its thread runs it.
class Seat {
public:
    // Cores compare times, so they share the clock.
    static Result<std::unique_ptr<Seat>> open(CoreId id, const Clock& clock, Commons& commons) {
        STARLING_TRY(poller, EpollPoller::open());
        return std::make_unique<Seat>(id, clock, std::move(poller), commons);
    }
    Seat(CoreId id, const Clock& clock, std::unique_ptr<EpollPoller> poller, Commons& commons)
        : poller_(std::move(poller)),
          core_(id, *poller_, clock),
          broker_(core_, commons, authorizer_, store_) {}

    Poller& poller() { return *poller_; }
    Broker& broker() { return broker_; }
    void turn() { core_.turn(broker_); }

private:
    std::unique_ptr<EpollPoller> poller_;
    Core core_;
    AllowAll authorizer_;
    MemoryStore store_;
    Broker broker_;
};
using Seats = std::vector<std::unique_ptr<Seat>>;

// Every core listens on a socket of its own; the system spreads what arrives.
Outcome listen_at(Seats& seats, Endpoint endpoint, const TcpOptions& options) {
    if (endpoint.port != 0 && bind_failure(endpoint) == EADDRINUSE)
        return fmt::format("{}: address in use: another program listens there", endpoint.text());
    for (const auto& seat : seats) {
        STARLING_TRY(listener, TcpListener::open(endpoint, options));
        endpoint.port = listener->port();
        auto source = std::make_unique<TcpSource>(std::move(listener));
        if (const auto taken = seat->broker().listen(std::move(source)); !taken)
            return fmt::format("{}: {}: {}", endpoint.text(), taken.error().text,
                               std::strerror(taken.error().code));
    }
    log_info(fmt::format("listening on {}", endpoint.text()));
    return {};
}

Outcome listen_everywhere(Seats& seats, const Settings& settings) {
    const Options& options = settings.options();
    for (const Endpoint& endpoint : options.listen) {
        const bool is_optional = settings.is_default("listen") && endpoint.host == "::1";
        if (is_optional && bind_failure(endpoint) != 0 && bind_failure(endpoint) != EADDRINUSE) {
            log_info("no IPv6 on this machine's loopback");
            continue;
        }
        STARLING_CHECK(listen_at(seats, endpoint, options.tcp));
    }
    return {};
}

// Who may come in, said before anybody does.
void explain_access(const Settings& settings) {
    const auto& listen = settings.options().listen;
    if (settings.is_default("listen"))
        log_info(
            "everybody may connect, so only this machine can; open it with --listen :1883 or "
            "listen = [\":1883\"]");
    else if (!std::all_of(listen.begin(), listen.end(), std::mem_fn(&Endpoint::is_loopback)))
        log_warning("everybody who reaches a listener may connect, publish and subscribe");
}

// Gives back to the system, every few seconds, what bursts have left free inside the heap.
void trim_memory(const std::stop_token& stop) {
    constexpr std::chrono::seconds kInterval(5);
    HeapTrimmer trimmer;
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        stopped.wait_for(lock, stop, kInterval, [] { return false; });
        trimmer.look();
    }
}

int fail(const std::string& text) {
    log_error(text);
    return 1;
}

}  // namespace

int serve(const Settings& settings) {
    const Options& options = settings.options();
    start_log(options.log.level, options.log.format);
    log_info(fmt::format("starling {} starts", kVersion));
    for (const std::string& note : settings.notes()) log_info(note);

    const CoreId cores = options.runtime.cores != 0 ? options.runtime.cores : usable_cpus();
    Commons commons(options.broker, HashKey{secret_u64(), secret_u64()}, cores);
    const SystemClock clock;
    Seats seats;
    for (CoreId core = 0; core < cores; ++core) {
        auto seat = Seat::open(core, clock, commons);
        if (!seat)
            return fail(fmt::format("{}: {}", seat.error().text, std::strerror(seat.error().code)));
        seats.push_back(std::move(*seat));
    }
    const Signals signals(seats.front()->poller());
    explain_access(settings);
    if (const auto listening = listen_everywhere(seats, settings); !listening)
        return fail(listening.error());
    log_info(fmt::format("{} core{}", cores, cores == 1 ? "" : "s"));

    std::vector<std::jthread> threads;
    const std::jthread trimmer = signals.start_thread(trim_memory);
    for (std::size_t i = 1; i < seats.size(); ++i)
        threads.push_back(signals.start_thread([&, i] {
            while (!seats[i]->broker().is_stopped()) seats[i]->turn();
        }));
    notify_manager("READY=1");
    Seat& main = *seats.front();
    bool is_draining = false;
    while (!main.broker().is_stopped()) {
        if (signals.have_come() && !is_draining) {
            is_draining = true;
            log_info("stopping; a second signal ends at once");
            notify_manager("STOPPING=1");
            main.broker().stop();
        }
        main.turn();
    }
    threads.clear();  // waits for the others
    log_info("stopped");
    return 0;
}

}  // namespace starling
