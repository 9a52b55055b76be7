#include "load/channel.h"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace starling {

Result<std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>>> Channel::open() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return Error{errno, "socketpair"};
    return std::pair(std::unique_ptr<Channel>(new Channel(ends[0])),
                     std::unique_ptr<Channel>(new Channel(ends[1])));
}

Channel::~Channel() { ::close(descriptor_); }

void Channel::send(Bytes message) {
    STARLING_ASSERT(message.size() <= kMessageBytes);
    while (::send(descriptor_, message.data(), message.size(), MSG_NOSIGNAL) < 0 &&
           errno == EINTR) {}
}

Result<std::optional<ByteVector>> Channel::receive() {
    ByteVector message(kMessageBytes);
    const ssize_t got = ::recv(descriptor_, message.data(), message.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::optional<ByteVector>();
    if (got < 0) return Error{errno, "recv"};
    if (got == 0) return Error{0, "recv"};
    message.resize(static_cast<std::size_t>(got));
    return std::optional(std::move(message));
}

Result<std::unique_ptr<SentBoard>> SentBoard::open(std::size_t flows) {
    const std::size_t count = std::max<std::size_t>(flows, 1);
    void* memory = ::mmap(nullptr, count * sizeof(std::uint32_t), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return Error{errno, "mmap"};
    return std::unique_ptr<SentBoard>(new SentBoard({static_cast<std::uint32_t*>(memory), count}));
}

SentBoard::~SentBoard() { ::munmap(sent_.data(), sent_.size_bytes()); }

}  // namespace starling
