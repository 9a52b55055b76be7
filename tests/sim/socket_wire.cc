#include "tests/sim/socket_wire.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

#include "mqtt/append.h"
#include "transport/tcp.h"

namespace starling {
namespace {

// Takes streams out of a door. Owner: a broker.
class DoorSource final : public StreamSource {
public:
    explicit DoorSource(int passage) : passage_(passage) {}
    DoorSource(const DoorSource&) = delete;
    DoorSource& operator=(const DoorSource&) = delete;
    ~DoorSource() override { ::close(passage_); }

    Result<void> attach(Poller& poller, std::uint64_t token) override {
        return poller.add(passage_, token);
    }
    Taken take(std::unique_ptr<Stream>& stream) override {
        int descriptor = -1;
        if (::recv(passage_, &descriptor, sizeof descriptor, 0) != sizeof descriptor)
            return Taken::None;
        stream = std::make_unique<TcpStream>(descriptor);
        return Taken::Stream;
    }

private:
    const int passage_;
};

}  // namespace

SocketPair::SocketPair() {
    const int made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_);
    STARLING_ASSERT(made == 0);
}

SocketPair::~SocketPair() {
    for (const int end : ends_)
        if (end >= 0) ::close(end);
}

std::unique_ptr<StreamSource> Door::source() {
    return std::make_unique<DoorSource>(passage_.take_second());
}

void Door::bring(int descriptor) const {
    const auto sent = ::send(passage_.first(), &descriptor, sizeof descriptor, MSG_NOSIGNAL);
    STARLING_ASSERT(sent == sizeof descriptor);
}

SocketWire::SocketWire(Network& network, const Door& door, bool is_narrow) : network_(network) {
    network_.push_back(this);
    const int least = 1;  // the system knows what that is
    if (is_narrow) ::setsockopt(sockets_.second(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    door.bring(sockets_.take_second());
}

bool SocketWire::pass_on(std::size_t most) {
    const std::size_t count = std::min(most, waiting_.size());
    if (count == 0) return false;
    const ssize_t sent = ::send(sockets_.first(), waiting_.data(), count, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) waiting_.clear();  // the broker has gone
    if (sent <= 0) return false;
    waiting_.erase(waiting_.begin(), waiting_.begin() + sent);
    return true;
}

ByteVector SocketWire::take() {
    ByteVector all;
    std::array<std::byte, 4096> piece;
    while (!is_stalled_ && !is_over_) {
        const ssize_t got = ::recv(sockets_.first(), piece.data(), piece.size(), 0);
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0) is_over_ = true;
        else append_bytes(all, Bytes(piece).first(static_cast<std::size_t>(got)));
    }
    return all;
}

void SocketWire::cut(std::size_t lost) {
    drop_last(waiting_, lost);
    pass_on(waiting_.size());
    waiting_.clear();
    ::shutdown(sockets_.first(), SHUT_WR);
}

}  // namespace starling
