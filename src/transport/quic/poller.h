// A poller that knows QUIC streams.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "reactor/poller.h"
#include "transport/quic/endpoint.h"
#include "transport/quic/mailroom.h"
#include "transport/quic/server.h"
#include "transport/quic/udp_socket.h"

namespace starling::quic {

// Stands before a core's poller. Sockets are what they were; streams of the endpoints added here
// are reported like sockets. A wait() begins by sending what the turn has left to send, and ends
// with what has come: mail and datagrams are read, and timers fire, in between.
//
// No wake-up is lost: whether mail waits is asked inside wait(), which a core calls after it has
// said that it falls asleep, and a sender puts mail into the lane before it looks whether the core
// sleeps (reactor/waker.h). Mail that comes after this look wakes the sockets' wait; mail that
// comes after drain() is seen by the look of the next wait(), which then does not sleep.
// Owner: one core; only wake() may be called from elsewhere.
class QuicPoller final : public Poller {
public:
    // Datagrams read from a socket in a wait(), and then what its last batch has beyond them. The
    // rest: in the next, which then does not sleep.
    static constexpr int kDatagrams = 512;

    // For clients alone.
    explicit QuicPoller(std::unique_ptr<Poller> sockets) : sockets_(std::move(sockets)) {}

    // For a core of a server.
    QuicPoller(std::unique_ptr<Poller> sockets, QuicCommons& commons, CoreId core)
        : sockets_(std::move(sockets)),
          commons_(&commons),
          keys_version_(commons.keys.version()),
          mailroom_(std::in_place, commons, core) {}
    ~QuicPoller() override;

    // An endpoint and the socket that it sends through. Both stay until remove().
    Result<void> add(QuicEndpoint& endpoint, UdpSocket& socket);
    void remove(QuicEndpoint& endpoint);

    // The server of a listener on this core, or null.
    QuicServer* server(std::uint16_t listener) const {
        return mailroom_ ? mailroom_->server(listener) : nullptr;
    }

    // REQUIRES: made for a core of a server.
    QuicCommons& commons() { return *commons_; }
    QuicMailroom& mailroom() { return *mailroom_; }

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
    void adopt_keys();
    void read_mail();
    void read(Member& member);
    void finish(Member& member);

    std::unique_ptr<Poller> sockets_;
    QuicCommons* commons_ = nullptr;
    std::uint32_t keys_version_ = 0;  // of those that the members know
    std::optional<QuicMailroom> mailroom_;
    std::vector<Member> members_;
    std::vector<Readiness> reports_;
};

}  // namespace starling::quic
