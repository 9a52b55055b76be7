// The QUIC connections of one core.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "base/assert.h"
#include "base/slab.h"
#include "transport/quic/connection.h"
#include "transport/quic/counters.h"
#include "transport/quic/expiry_queue.h"
#include "transport/quic/passage.h"

namespace starling::quic {

class QuicMailroom;

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
        QuicMailroom* mailroom = nullptr;        // of a server: null, and nothing leaves its core
        std::uint16_t listener = 0;              // its number, the same on all cores
        ReplayRegister* used_tickets = nullptr;  // of a server where early data acts at once
    };
    QuicEndpoint(const QuicEndpoint&) = delete;
    QuicEndpoint& operator=(const QuicEndpoint&) = delete;
    ~QuicEndpoint() override;

    // `now` for the protocol; `wall_s`, which other lives share, for tokens.
    // Time does not go back. REQUIRES: now >= kTimeStart.
    void set_time(TimeNs now, std::uint64_t wall_s) {
        STARLING_ASSERT(now >= kTimeStart);
        now_ = std::max(now_, now);
        wall_s_ = wall_s;
    }

    // The keys have been replaced. Those with which a connection of ours began are among them.
    virtual void adopt(const QuicKeys& keys) { ids_.adopt(keys); }

    // Any datagram from anybody.
    void receive(const Datagram& datagram);

    // The same from a socket, where those of other cores may arrive too.
    virtual void receive_from_network(const Datagram& datagram) { receive(datagram); }

    // Fires what is due; the rest waits for next_expiry().
    void expire();
    TimeNs next_expiry() const { return timers_.next(); }

    // Sends what there is to send, destroys what has ended, and counts what is left.
    void flush();

    // Memory is tight: parks whoever nothing has happened to for a second or two, and gives windows
    // back that nobody is in. As often as it is called, within bounds.
    void save_memory();

    // Appends what has happened to attached streams since the last call.
    void take_news(std::vector<Readiness>& news);
    bool has_news() const { return !listed_.empty() || wakes_.has_next(); }

    // Reports of this stream from now on, first of all what is there already.
    void attach(StreamState& stream, std::uint64_t token);

    // No more of it.
    void withdraw(StreamState& stream);

    // The same for the first stream of a connection that is to go to another core. What is to be
    // taken there: null when nothing can leave this endpoint.
    virtual std::unique_ptr<Passage> detach(StreamState& stream);

    QuicConnection* find(Handle connection);

    // Connections that are here.
    std::uint32_t size() const { return seats_.size() - vacated_; }
    const QuicCounters& counters() const { return counters_; }

    TimeNs now() const override { return now_; }
    const QuicOptions& options() const override { return options_; }
    PacketCrypto& crypto() override { return crypto_; }
    WindowCache& windows() override { return windows_; }
    WakeGate& wakes() override { return wakes_; }
    const ConnectionIds& ids() const override { return ids_; }
    ConnectionId issue_id(Handle connection, std::uint16_t sequence, std::byte salt) override;
    DatagramSender& sender() override { return sender_; }
    void count(QuicCount what) override { counters_.add(what); }
    EarlyDataGate* early_data() override { return nullptr; }
    void on_dirty(QuicConnection& connection) override;
    void on_stream_news(StreamState& stream) override;
    void on_stream_gone(StreamState& stream) override;

protected:
    explicit QuicEndpoint(const Setup& setup);

    // A datagram whose id names no connection of ours. `version` is 0 in a short header.
    virtual void receive_unknown(const Datagram& datagram, const ngtcp2_version_cid& header) = 0;

    // One for a connection that sat here and has moved away.
    virtual void receive_for_moved(Handle seat, const Datagram& datagram) = 0;

    // Called before a connection that has ended is destroyed.
    virtual void on_ended(QuicConnection& connection) = 0;

    // Where a connection sits: its ids name the seat. When it has moved away the seat says where
    // to.
    struct Seat {
        std::unique_ptr<QuicConnection> connection;  // null: it has moved
        RemoteHandle moved_to;                       // empty: it has not arrived yet
        std::uint8_t key_place;                      // of the keys with which it began
    };

    Handle seat_by_id(Bytes id);
    Handle add(std::unique_ptr<QuicConnection> connection);
    void end(Handle seat);
    void erase(Handle seat);  // which there is
    void destroy_all();
    void count_early(const QuicConnection& connection);

    const TlsContext& tls_;
    const QuicOptions& options_;
    QuicCounters counters_;
    Slab<Seat> seats_;
    std::uint32_t vacated_ = 0;  // seats of connections that have moved
    std::uint64_t wall_s_ = 0;
    TimeNs now_ = 0;
    TimeNs saved_at_ = 0;

private:
    void arm(QuicConnection& connection);
    void count_what_is();
    void wake_who_waits();

    DatagramSender& sender_;
    PacketCrypto crypto_;
    WindowCache windows_;
    WakeGate wakes_;
    ConnectionIds ids_;
    ExpiryQueue timers_;
    std::vector<Handle> dirty_;
    std::vector<StreamState*> listed_;
};

}  // namespace starling::quic
