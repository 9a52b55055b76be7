// The QUIC connections of one core.
#pragma once

#include <memory>
#include <vector>

#include "base/slab.h"
#include "transport/quic/connection.h"
#include "transport/quic/counters.h"
#include "transport/quic/expiry_queue.h"

namespace starling::quic {

// What a server and a client have in common: datagrams in, timers, datagrams out. It knows no
// socket and no clock; whoever drives it says the time, brings what arrives, and calls flush()
// before it sleeps.
// Owner: one core.
class QuicEndpoint : public ConnectionHost {
public:
    struct Setup {
        const QuicOptions& options;
        const QuicKeys& keys;
        const TlsContext& tls;
        DatagramSender& sender;
        CoreId core = 0;
        CoreId cores = 1;
        std::uint64_t seed = 0;
    };
    QuicEndpoint(const QuicEndpoint&) = delete;
    QuicEndpoint& operator=(const QuicEndpoint&) = delete;
    ~QuicEndpoint() override;

    // `now` for the protocol; `wall_s`, which other lives share, for tokens.
    void set_time(TimeNs now, std::uint64_t wall_s) {
        now_ = now;
        wall_s_ = wall_s;
    }

    // Any datagram from anybody.
    void receive(const Datagram& datagram);

    // The same from a socket, where those of other cores may arrive too.
    virtual void receive_from_network(const Datagram& datagram) { receive(datagram); }

    // Fires what is due; the rest waits for next_expiry().
    void expire();
    TimeNs next_expiry() const { return timers_.next(); }

    // Sends what there is to send, destroys what has ended, and counts what is left.
    void flush();

    // Appends what has happened to attached streams since the last call.
    void take_news(std::vector<Readiness>& news);
    bool has_news() const { return !listed_.empty(); }

    // Reports of this stream from now on, first of all what is there already.
    void attach(StreamState& stream, std::uint64_t token);
    void detach(StreamState& stream);

    QuicConnection* find(Handle connection) { return connections_.find(connection); }
    std::uint32_t size() const { return connections_.size(); }
    const QuicCounters& counters() const { return counters_; }

    TimeNs now() const override { return now_; }
    const QuicOptions& options() const override { return options_; }
    PacketCrypto& crypto() override { return crypto_; }
    WindowCache& windows() override { return windows_; }
    const ConnectionIds& ids() const override { return ids_; }
    DatagramSender& sender() override { return sender_; }
    void on_dirty(QuicConnection& connection) override;
    void on_stream_news(StreamState& stream) override;
    void on_stream_gone(StreamState& stream) override;

protected:
    explicit QuicEndpoint(const Setup& setup);

    // A datagram whose id names no connection of ours. `version` is 0 in a short header.
    virtual void receive_unknown(const Datagram& datagram, const ngtcp2_version_cid& header) = 0;

    // Called before a connection that has ended is destroyed.
    virtual void on_ended(QuicConnection& connection) = 0;

    QuicConnection* find_by_id(Bytes id);
    Handle add(QuicConnection::Role role) { return connections_.emplace(*this, role); }
    void destroy_all();

    const TlsContext& tls_;
    const QuicOptions& options_;
    QuicCounters counters_;
    Slab<QuicConnection> connections_;
    std::uint64_t wall_s_ = 0;

private:
    void arm(QuicConnection& connection);
    void count_what_is();

    DatagramSender& sender_;
    PacketCrypto crypto_;
    WindowCache windows_;
    ConnectionIds ids_;
    ExpiryQueue timers_;
    std::vector<Handle> dirty_;
    std::vector<StreamState*> listed_;
    TimeNs now_ = 0;
};

}  // namespace starling::quic
