#include "transport/quic/socket_group.h"

#include <cstring>

namespace starling::quic {
namespace {

bool is_same(const SocketAddress& one, const SocketAddress& other) {
    return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

void SocketGroup::add(UdpSocket& socket) { by_port_.emplace(socket.address().port(), &socket); }

void SocketGroup::send(std::size_t size, const Path& path, std::uint8_t ecn, Handle connection) {
    if (!last_ || !is_same(last_->address(), path.local)) last_ = find(path.local);
    if (!last_) return;
    store_bytes(last_->room().data(), Bytes(room_).first(size));
    last_->send(size, path, ecn, connection);
}

UdpSocket* SocketGroup::find(const SocketAddress& local) {
    const auto [begin, end] = by_port_.equal_range(local.port());
    for (auto one = begin; one != end; ++one)
        if (is_same(one->second->address(), local)) return one->second;
    return nullptr;
}

}  // namespace starling::quic
