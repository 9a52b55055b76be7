#include "bench/lightspeed/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace starling {
namespace {

constexpr std::size_t kReceivedBytesMax = 8 << 20;  // in one wake-up; it may end earlier for that
constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kPiecesMax = 1024;  // the system's bound
constexpr int kEventsMax = 512;

// What is left of `pieces` once so many of their bytes are written.
std::span<iovec> without(std::span<iovec> pieces, std::size_t written) {
    while (!pieces.empty() && written >= pieces[0].iov_len) {
        written -= pieces[0].iov_len;
        pieces = pieces.subspan(1);
    }
    if (written != 0) {
        pieces[0].iov_base = static_cast<std::uint8_t*>(pieces[0].iov_base) + written;
        pieces[0].iov_len -= written;
    }
    return pieces;
}

}  // namespace

Loop::Loop(int listener)
    : poller_(::epoll_create1(EPOLL_CLOEXEC)),
      listener_(listener),
      received_(std::make_unique_for_overwrite<std::uint8_t[]>(kReceivedBytesMax)),
      forwarder_(kReceivedBytesMax) {}

void Loop::run() {
    if (!watch(listener_, EPOLLIN)) return;
    std::array<epoll_event, kEventsMax> events;
    for (;;) {
        const int count = ::epoll_wait(poller_, events.data(), kEventsMax, -1);
        if (count < 0 && errno != EINTR) return;
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.fd == listener_) {
                if (!accept_all()) return;
                continue;
            }
            Connection& connection = *find(event.data.fd);
            if (event.events & EPOLLOUT && !connection.backlog.empty()) write_backlog(connection);
            if (event.events & ~EPOLLOUT)
                read(connection, event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
        }
        write_all();
        close_ended();
    }
}

bool Loop::watch(int socket, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = socket;
    return ::epoll_ctl(poller_, EPOLL_CTL_ADD, socket, &event) == 0;
}

bool Loop::accept_all() {
    for (;;) {
        const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) return errno == EAGAIN || errno == ECONNABORTED;
        const auto index = static_cast<std::size_t>(socket);
        if (index >= connections_.size()) connections_.resize(index * 2 + 64);
        connections_[index] = std::make_unique<Connection>(socket);
        if (!watch(socket, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)) return false;
    }
}

// Until there is no more: the poller will not tell again.
void Loop::read(Connection& from, bool has_ended) {
    while (!from.is_over) {
        const std::size_t before = from.part.size();
        if (kReceivedBytesMax - received_bytes_ < before + kReadBytes) write_all();
        std::uint8_t* const at = received_.get() + received_bytes_;
        std::memcpy(at, from.part.data(), before);
        const ssize_t got = ::recv(from.socket, at + before, kReadBytes, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) return end(from);
        const Bytes bytes(at, before + static_cast<std::size_t>(got));
        received_bytes_ += bytes.size();
        from.part.clear();
        on_bytes(from, bytes);
        if (static_cast<std::size_t>(got) < kReadBytes && !has_ended) return;
    }
}

void Loop::on_bytes(Connection& from, Bytes bytes) {
    for (Packet packet; !bytes.empty();) {
        const Found found = next_packet(bytes, packet);
        if (found == Found::Part) break;
        if (found == Found::Nonsense || !forwarder_.on_packet(from, packet)) {
            end(from);
            bytes = {};
        }
    }
    forwarder_.on_last_packet();
    from.part.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void Loop::write_all() {
    for (Connection* to : forwarder_.listed()) {
        to->is_listed = false;
        if (!to->is_over) write(*to);
        to->pieces.clear();
    }
    forwarder_.listed().clear();
    forwarder_.forget_answers();
    received_bytes_ = 0;
}

void Loop::write(Connection& to) {
    std::span<iovec> rest(to.pieces);
    while (!rest.empty() && to.backlog.empty()) {
        msghdr message{};
        message.msg_iov = rest.data();
        message.msg_iovlen = std::min(rest.size(), kPiecesMax);
        const ssize_t taken = ::sendmsg(to.socket, &message, MSG_NOSIGNAL);
        if (taken < 0 && errno != EAGAIN) return end(to);
        if (taken < 0) break;
        rest = without(rest, static_cast<std::size_t>(taken));
    }
    for (const iovec& piece : rest)
        to.backlog.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    if (to.backlog.size() > kBacklogBytesMax) end(to);
}

void Loop::write_backlog(Connection& to) {
    while (!to.backlog.empty()) {
        const ssize_t taken = ::send(to.socket, to.backlog.data(), to.backlog.size(), MSG_NOSIGNAL);
        if (taken < 0 && errno != EAGAIN) return end(to);
        if (taken < 0) return;
        to.backlog.erase(0, static_cast<std::size_t>(taken));
    }
}

void Loop::end(Connection& connection) {
    if (std::exchange(connection.is_over, true)) return;
    ended_.push_back(&connection);
}

void Loop::close_ended() {
    for (Connection* const one : ended_) {
        forwarder_.on_end(*one);
        const int socket = one->socket;
        connections_[static_cast<std::size_t>(socket)].reset();
        ::close(socket);
    }
    ended_.clear();
}

}  // namespace starling
