// Waits for sockets with epoll.
#pragma once

#include <array>
#include <memory>

#include "reactor/poller.h"

namespace starling {

// The only costs are one call per socket and one per wait: edge-triggered, a registration is never
// changed. A signal ends a wait early, as wake() does.
//
// Owner: one core; only wake() may be called from elsewhere, also from a signal handler.
class EpollPoller final : public Poller {
public:
    // Takes two descriptors.
    static Result<std::unique_ptr<EpollPoller>> open();
    EpollPoller(const EpollPoller&) = delete;
    EpollPoller& operator=(const EpollPoller&) = delete;
    ~EpollPoller() override;

    // REQUIRES: token != ~0, which is the wake-up's own.
    Result<void> add(int descriptor, std::uint64_t token) override;
    void remove(int descriptor) override;
    std::span<const Readiness> wait(TimeMs timeout_ms) override;
    void wake() override;

private:
    EpollPoller(int epoll, int event) : epoll_(epoll), event_(event) {}

    int epoll_;
    int event_;  // an eventfd: each write is a new edge, so nobody ever reads it
    std::array<Readiness, kReportsPerWait> reports_;
};

}  // namespace starling
