#include "reactor/epoll_poller.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace starling {
namespace {

constexpr std::uint64_t kWakeToken = ~std::uint64_t{0};
constexpr std::uint32_t kEndEvents = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

Result<void> watch(int epoll, int descriptor, std::uint32_t events, std::uint64_t token) {
    epoll_event event{};
    event.events = events | EPOLLET;
    event.data.u64 = token;
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
        return Error{errno, "epoll_ctl"};
    return {};
}

int epoll_timeout(TimeMs timeout_ms) {
    constexpr int kLongest = std::numeric_limits<int>::max();
    if (timeout_ms == kNever) return -1;
    return static_cast<int>(std::min<TimeMs>(timeout_ms, kLongest));
}

Readiness readiness(const epoll_event& event) {
    const std::uint32_t events = event.events;
    return {.token = event.data.u64,
            .readable = (events & (EPOLLIN | kEndEvents)) != 0,
            .writable = (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0,
            .ended = (events & kEndEvents) != 0};
}

}  // namespace

Result<std::unique_ptr<EpollPoller>> EpollPoller::open() {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) return Error{errno, "epoll_create1"};
    const int event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (event < 0) {
        const Error error{errno, "eventfd"};
        ::close(epoll);
        return error;
    }
    std::unique_ptr<EpollPoller> poller(new EpollPoller(epoll, event));
    STARLING_CHECK(watch(epoll, event, EPOLLIN, kWakeToken));
    return poller;
}

EpollPoller::~EpollPoller() {
    ::close(event_);
    ::close(epoll_);
}

Result<void> EpollPoller::add(int descriptor, std::uint64_t token) {
    STARLING_ASSERT(token != kWakeToken);
    return watch(epoll_, descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP, token);
}

void EpollPoller::remove(int descriptor) {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
}

std::span<const Readiness> EpollPoller::wait(TimeMs timeout_ms) {
    std::array<epoll_event, kReportsPerWait> events;
    const int got = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                 epoll_timeout(timeout_ms));
    STARLING_ASSERT(got >= 0 || errno == EINTR);

    std::size_t count = 0;
    for (int i = 0; i < got; ++i)
        if (events[i].data.u64 != kWakeToken) reports_[count++] = readiness(events[i]);
    return {reports_.data(), count};
}

void EpollPoller::wake() {
    // Fails only when 2^64 wake-ups lie unread.
    [[maybe_unused]] const int written = ::eventfd_write(event_, 1);
}

}  // namespace starling
