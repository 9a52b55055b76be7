// A poller that knows QUIC streams.
#pragma once

#include <memory>
#include <vector>

#include "reactor/poller.h"
#include "transport/quic/endpoint.h"
#include "transport/quic/server.h"
#include "transport/quic/udp_socket.h"

namespace starling::quic {

// Stands before a core's poller. Sockets are what they were; streams of the endpoints added here
// are reported like sockets. A wait() begins by sending what the turn has left to send, and ends
// with what has come: datagrams are read, and timers fire, in between.
// Owner: one core; only wake() may be called from elsewhere.
class QuicPoller final : public Poller {
public:
    // Batches of 64 datagrams read from a socket in a wait(). Beyond: the next, which then does not
    // sleep.
    static constexpr int kBatches = 8;

    explicit QuicPoller(std::unique_ptr<Poller> sockets) : sockets_(std::move(sockets)) {}
    ~QuicPoller() override;

    // An endpoint and the socket that it sends through. Both stay until remove().
    Result<void> add(QuicEndpoint& endpoint, UdpSocket& socket);
    void remove(QuicEndpoint& endpoint);

    // Reports under `token` that the server has new streams.
    void watch(QuicServer& server, std::uint64_t token);

    Result<void> add(int descriptor, std::uint64_t token) override;
    void remove(int descriptor) override;
    std::span<const Readiness> wait(TimeMs timeout_ms) override;
    void wake() override { sockets_->wake(); }

private:
    struct Member {
        QuicEndpoint* endpoint;
        UdpSocket* socket;
        QuicServer* server = nullptr;  // to be watched
        std::uint64_t token = 0;       // under which
        std::uint64_t seen = 0;        // streams reported
        bool has_unread = true;
    };

    // Tokens that no owner of sockets uses.
    static constexpr std::uint64_t kFirstToken = ~std::uint64_t{0} - 1;

    TimeMs timeout(TimeMs wanted_ms) const;
    void tell_time();
    void read(Member& member);
    void finish(Member& member);

    std::unique_ptr<Poller> sockets_;
    std::vector<Member> members_;
    std::vector<Readiness> reports_;
};

}  // namespace starling::quic
