// What `starling pub` and `starling sub` have in common: one client, signals, an exit status.
#pragma once

#include <memory>
#include <string_view>

#include "app/client_arguments.h"
#include "app/quic_access.h"
#include "client/client.h"
#include "reactor/epoll_poller.h"

namespace starling {

// SIGINT and SIGTERM as something to read, from when it is made: before any thread.
// Owner: the main thread.
class SignalWatch {
public:
    SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;
    ~SignalWatch();

    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

// The core that a program runs on, and what it needs. Owner: the main thread.
struct ProgramCore {
    explicit ProgramCore(std::unique_ptr<EpollPoller> sockets) : poller(std::move(sockets)) {}

    SignalWatch signals;
    SystemClock clock;
    quic::QuicPoller poller;
    Core core{0, poller, clock};
    OffloadPool resolvers{1, 4};
    std::unique_ptr<QuicAccess> quic;  // null: over TCP
};

// Runs `Program(ProgramCore&, arguments)` to its end; returns the exit status.
template <typename Program, typename Arguments>
int run_program(Arguments arguments);

// One client, from its connection to the exit status. A signal ends it as if its work were done.
// Owner: the main thread.
class ClientProgram : public ClientLoop, public ClientListener {
public:
    ClientProgram(ProgramCore& ground, const ClientArguments& arguments);

    int run();

    void read(std::span<const Readiness> ready) final;
    void timer(std::uint64_t token) final;
    void on_connected(const ConnectAnswer& answer) final;
    void on_disconnected(const Disconnection& why) final;
    void on_packet(PacketDirection direction, std::uint16_t stream, Bytes packet) final;

protected:
    // The first of the tokens that are free to use.
    static constexpr std::uint64_t kOwnToken = 1;

    // The client is connected for the first time.
    virtual void start() = 0;

    // A timer fired, or a socket is ready, under a token of the program's own.
    virtual void on_token(std::uint64_t token) = 0;

    Client& client() { return client_; }

    // Disconnects, and ends with this exit status; the first one counts.
    void finish(int status);

    // To the standard error, unless --quiet.
    void complain(std::string_view text) const;

private:
    static constexpr std::uint64_t kSignalToken = 0;

    SignalWatch& signals_;
    const QuicAccess* quic_;
    const ClientArguments arguments_;
    Client client_;
    bool has_started_ = false;
    bool is_finishing_ = false;
    int status_ = 0;
};

// For errors before there is a program.
int fail_to_start(const Error& error);
int fail_to_start(const std::string& text);

template <typename Program, typename Arguments>
int run_program(Arguments arguments) {
    auto poller = EpollPoller::open();
    if (!poller) return fail_to_start(poller.error());
    ProgramCore ground(std::move(*poller));
    if (arguments.quic) {
        auto access = QuicAccess::open(ground.poller, arguments);
        if (!access) return fail_to_start(access.error());
        ground.quic = std::move(*access);
    }
    Program program(ground, std::move(arguments));
    return program.run();
}

}  // namespace starling
