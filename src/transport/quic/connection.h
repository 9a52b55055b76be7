// One QUIC connection, of a server or of a client.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/uio.h>
#include <vector>

#include "base/handle.h"
#include "base/result.h"
#include "reactor/poller.h"
#include "transport/quic/connection_id.h"
#include "transport/quic/counters.h"
#include "transport/quic/datagram.h"
#include "transport/quic/options.h"
#include "transport/quic/stream_state.h"
#include "transport/quic/tls.h"
#include "transport/quic/wake_gate.h"
#include "transport/quic/window_cache.h"

namespace starling::quic {

// With which the application closes a connection; any other is the peer's own.
enum class CloseCode : std::uint8_t { Done = 0, ControlStreamDown = 1, Overloaded = 2 };

// What connections need of their endpoint, and tell it. Owner: one core.
class ConnectionHost {
public:
    virtual ~ConnectionHost() = default;

    virtual TimeNs now() const = 0;
    virtual const QuicOptions& options() const = 0;
    virtual PacketCrypto& crypto() = 0;
    virtual WindowCache& windows() = 0;
    virtual WakeGate& wakes() = 0;
    virtual const ConnectionIds& ids() const = 0;

    // For this connection, under the keys with which it began: they stay for as long as it does.
    virtual ConnectionId issue_id(Handle connection, std::uint16_t sequence, std::byte salt) = 0;

    virtual DatagramSender& sender() = 0;
    virtual void count(QuicCount what) = 0;

    // Of a server that takes early data; null: it is refused.
    virtual EarlyDataGate* early_data() = 0;

    // The connection wants flush() before the core sleeps.
    virtual void on_dirty(QuicConnection& connection) = 0;
    virtual void on_handshake_done(QuicConnection& connection) = 0;
    virtual void on_let_in(QuicConnection& connection) = 0;
    virtual void on_stream_opened(StreamState& stream) = 0;
    virtual void on_stream_news(StreamState& stream) = 0;
    virtual void on_stream_gone(StreamState& stream) = 0;

    // A client may be reset by whoever knows this token; or no longer.
    virtual void on_reset_token(QuicConnection& connection, const ResetToken& token,
                                bool is_good) = 0;
};

// The library's state lives in a window, and is parked while nothing happens; all that must be at
// hand meanwhile is here. Nothing here points into the window: every call enters it anew.
//
// While it closes, only the last datagram is kept, to be sent again to a peer that has not heard.
//
// Once in its life a server's may go to another core: it departs from one host and settles at
// another, and in between it belongs to no core and does nothing.
//
// Owner: its endpoint, which destroys it when is_gone(); on its way, a Passage.
class QuicConnection {
public:
    enum class Role : std::uint8_t { Server, Client };
    enum class Phase : std::uint8_t { Handshake, Open, Closing, Draining, Gone };

    QuicConnection(ConnectionHost& host, Role role) : host_(&host), role_(role) {}
    QuicConnection(const QuicConnection&) = delete;
    QuicConnection& operator=(const QuicConnection&) = delete;
    ~QuicConnection();

    // A server's beginning. `first_id` is what the client chose at first, `shown_id` what it uses
    // in `initial`: another one after a Retry.
    struct Arrival {
        Handle self;
        const ngtcp2_pkt_hd& initial;
        Bytes first_id;
        bool is_after_retry;
        bool is_proven;  // a token has shown that the client is at its address
        const Path& path;
        const TlsContext& tls;
    };
    Result<void> accept(const Arrival& arrival);

    // A client's.
    struct Departure {
        Handle self;
        const Path& path;
        const TlsContext& tls;
        const std::string& server_name;
        std::string_view protocol;
        Bytes ticket;               // of an earlier connection, or empty
        Bytes token;                // from the server's NEW_TOKEN, or empty
        Bytes limits{};             // of early data, which is sent then; or empty
        bool is_remembered = true;  // keeps souvenirs
    };
    Result<void> connect(const Departure& departure);

    void receive(const Datagram& datagram);
    void expire();

    // Sends what there is to send. Cheap when there is nothing.
    void flush();

    // It has waited for a place at the gate, and has one now.
    void wake();

    // Ends it, with a code of the application.
    void close(std::uint32_t code);
    void close(CloseCode code);

    // Whether it may go to another core: not in a handshake, not when it has come from another, and
    // not when streams beside its first have been accepted.
    bool is_movable() const;

    // Its handshake is not complete: it may be movable later, and readability will be reported.
    bool is_handshaking() const { return phase_ == Phase::Handshake; }

    // Takes everything along that it has here. REQUIRES: is_movable(), and none of its streams is
    // listed for news.
    void depart();

    // Goes on as `self` of another host. REQUIRES: it has departed.
    void settle(ConnectionHost& host, Handle self);

    // The next stream that the peer has opened beside the first, to be made a QuicStream or
    // dropped, or null. The first call gives the peer all the credit that it may have.
    StreamState* accept_stream();
    bool has_waiting_stream() const;

    // Opens a stream of ours, to be made a QuicStream or dropped; null while the peer allows none.
    // A client's first may be opened before the handshake is done: it takes no byte until then, but
    // for early data. What of that the server refuses is sent again when the handshake is done.
    StreamState* open_stream();

    // What QuicStream does. See transport/stream.h.
    struct Read {
        std::size_t bytes = 0;
        bool more = false;
    };
    static Result<Read> read(StreamState& stream, MutableBytes into);
    static Result<std::size_t> write(StreamState& stream, std::span<const iovec> pieces);
    static void finish(StreamState& stream);
    static void reset(StreamState& stream, std::uint32_t code);
    static void drop(StreamState& stream);

    // A client continues from another address of its own.
    Result<void> migrate(const Path& path);

    // Both directions get new keys. Fails while a change is under way.
    Result<void> update_keys();

    // Gives the client a token for its next connection.
    void offer_token(Bytes token);

    Handle self() const { return self_; }
    Phase phase() const { return phase_; }
    bool is_gone() const { return phase_ == Phase::Gone; }

    // When expire() wants to be called; kNeverNs: it does not.
    TimeNs expiry() const;

    // The peer's, once it is known to be there: after a move only when the path has proved good.
    SocketAddress peer() const { return peer_.expand(); }

    // TLS has done its work and its memory is free.
    bool is_tls_free() const { return !tls_; }
    bool is_resumed() const { return is_resumed_; }
    EarlyOutcome early_outcome() const { return early_outcome_; }

    // What a client takes along for its next connection, as far as it has come.
    struct Souvenirs {
        ByteVector ticket;
        ByteVector token;
        ByteVector limits;  // of early data; empty: the ticket permits none
    };
    Souvenirs take_souvenirs();
    bool has_ticket() const { return souvenirs_ && !souvenirs_->ticket.empty(); }
    bool has_token() const { return souvenirs_ && !souvenirs_->token.empty(); }

    // Why it ended: 0 when the application closed it so, else a code of QUIC or of the application.
    std::uint64_t close_code() const { return close_code_; }
    bool was_reset() const { return was_reset_; }

    // Bytes that it takes along when it departs.
    std::uint32_t moving_bytes() const { return place_.blob_bytes(); }

    // What it takes while it is large: in its window, or parked. Else 0.
    std::size_t large_bytes() const { return host_->windows().large_bytes(place_); }

    // Where it has come from, which is to be told of its end; empty: it has never moved.
    RemoteHandle origin;

    bool is_dirty = false;  // listed for flush()

    // Under which a table of the endpoint leads here; 0: none does.
    std::uint64_t table_key = 0;
    TimeNs armed_at = kNeverNs;  // the earliest timer that will look at this one

private:
    friend struct QuicConnectionProbe;  // of a test
    struct Library;                     // the callbacks

    // The connection inside its window. What happened in there is settled when it leaves.
    class Visit {
    public:
        explicit Visit(QuicConnection& connection)
            : connection_(connection),
              heap_(connection.host_->windows().enter(connection.place_)) {
            begin();
        }
        // A first visit, to an empty window.
        struct First {};
        Visit(QuicConnection& connection, First)
            : connection_(connection),
              heap_(connection.host_->windows().bind(connection.place_)) {
            begin();
        }
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;
        ~Visit() {
            if (!connection_.is_inside_) return;  // it has ended, and the window is not its own
            connection_.after_visit(heap_.root);
            connection_.is_inside_ = false;
            connection_.host_->windows().leave(connection_.place_);
        }

        ngtcp2_conn*& library() { return heap_.root; }
        const ngtcp2_mem& memory() const { return heap_.memory(); }

    private:
        void begin() {
            heap_.ciphers.lead_to(connection_.host_->crypto());
            connection_.is_inside_ = true;
        }

        QuicConnection& connection_;
        WindowHeap& heap_;
    };

    // Whether it is among those that its core has woken to send: see WakeGate.
    enum class Wake : std::uint8_t { No, Waits, Yes };

    // What stays of a connection that has said goodbye.
    struct Farewell {
        ByteVector datagram;
        Path path;
        std::uint64_t heard = 0;
    };

    ngtcp2_callbacks callbacks() const;
    ngtcp2_settings settings() const;
    ngtcp2_transport_params parameters() const;
    ConnectionId new_id();

    Souvenirs& souvenirs();
    void after_visit(ngtcp2_conn* library);
    void free_tls(ngtcp2_conn* library);
    void fail(int error);
    void say_goodbye(const CloseError& error);
    void drain();
    void vanish(const Ending& ending);
    void end_streams(const Ending& ending);
    void answer_while_closing();

    StreamState& add_stream(std::int64_t id);
    bool may_act() const;
    bool open_in_library(StreamState& stream);
    void open_early();
    void present(StreamState& stream);
    void on_handshake_end();
    void keep_ticket(ngtcp2_conn* library);
    void remove(StreamState& stream);
    StreamState* first_stream() const;
    void refuse(StreamState& stream);
    void leave(const StreamState& first);
    bool is_all_acknowledged() const;
    bool may_wake();
    void begin_wake(ngtcp2_conn* library);
    void end_wake();
    void mark_dirty();
    void tell(StreamState& stream, bool readable, bool writable);
    void wake_blocked(ngtcp2_conn* library);
    void return_credit(ngtcp2_conn* library);
    void return_streams(ngtcp2_conn* library);
    void widen(ngtcp2_conn* library);
    void pace(ngtcp2_conn* library);
    void send_again(ngtcp2_conn* library, int& failure);
    void send_endings(ngtcp2_conn* library);
    std::size_t send_bytes(ngtcp2_conn* library, StreamState& stream, Bytes bytes, int& failure);
    bool send_one(ngtcp2_conn* library, std::int64_t stream, unsigned flags, Bytes bytes,
                  ngtcp2_ssize& accepted, int& failure);

    ConnectionHost* host_;  // null on the way
    Handle self_;
    StreamState* streams_ = nullptr;
    std::unique_ptr<TlsSession> tls_;
    std::unique_ptr<Farewell> farewell_;
    WindowCache::Place place_;
    TimeNs expiry_ = kNeverNs;     // the library's
    TimeNs deadline_ = kNeverNs;   // for the first stream to come, or for the last words to arrive
    TimeNs silent_since_ = 0;      // the last datagram, or what was sent first after it
    TimeNs second_ends_ = 0;       // in which streams_in_second_ were given
    TimeNs wake_ends_ = kNeverNs;  // when its place at the gate goes to others
    std::uint64_t close_code_ = 0;
    std::uint64_t credit_ = 0;  // of streams that are gone
    CompactAddress peer_;
    std::unique_ptr<Souvenirs> souvenirs_;
    std::uint16_t ids_issued_ = 0;
    std::uint16_t stream_credit_ = 0;  // streams of the peer that are gone
    std::uint16_t streams_in_second_ = 0;
    std::uint16_t failure_ = 0;  // why a client's handshake failed: an errno or a Fault
    Role role_;
    Wake wake_ = Wake::No;
    Phase phase_ = Phase::Handshake;
    EarlyOutcome early_outcome_ = EarlyOutcome::None;
    bool may_be_early_ = false;  // a client asks for early data
    bool is_resumed_ = false;
    bool is_confirmed_ = false;
    bool is_remembered_ = true;
    bool was_reset_ = false;
    bool is_inside_ = false;      // the window is entered
    bool may_have_room_ = false;  // something has happened since writers were last cut short
    bool is_let_in_ = false;      // streams beside the first are wanted
    bool is_widened_ = false;     // and the peer has been told
    bool is_lingering_ = false;   // the first stream has been dropped
};

}  // namespace starling::quic
