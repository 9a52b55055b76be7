// Several sockets behind one endpoint.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "transport/quic/udp_socket.h"

namespace starling::quic {

// Sends each datagram through the socket that its way begins at; one that begins nowhere is lost.
// Owner: one core; goes before its sockets.
class SocketGroup final : public DatagramSender {
public:
    void add(UdpSocket& socket);

    MutableBytes room() override { return room_; }
    void send(std::size_t size, const Path& path, std::uint8_t ecn, Handle connection) override;

private:
    UdpSocket* find(const SocketAddress& local);

    std::unordered_multimap<std::uint16_t, UdpSocket*> by_port_;
    UdpSocket* last_ = nullptr;
    std::array<std::byte, kDatagramBytes> room_;
};

}  // namespace starling::quic
