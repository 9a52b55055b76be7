// A core's QUIC server: who may come in.
#pragma once

#include <unordered_map>
#include <vector>

#include "base/fifo.h"
#include "base/hash.h"
#include "transport/quic/address_token.h"
#include "transport/quic/endpoint.h"
#include "transport/quic/mailroom.h"
#include "transport/quic/source_limits.h"

namespace starling::quic {

// Answers what belongs to no connection: new clients, other versions, and those who talk to a
// server that has forgotten them.
//
// Lets connections go to the servers of the same listener on other cores, and forwards what still
// comes for them: their first ids name this core for as long as they live. See
// docs/decisions/012.
// Owner: one core.
class QuicServer final : public QuicEndpoint {
public:
    explicit QuicServer(const Setup& setup);
    ~QuicServer() override;

    void adopt(const QuicKeys& keys) override {
        QuicEndpoint::adopt(keys);
        tokens_.adopt(keys);
    }

    // Any datagram from the network; those that are steered to other cores go there.
    void receive_from_network(const Datagram& datagram) override;

    // The first stream of the next client, or null. Others wait in the connection: see
    // Stream::accept().
    StreamState* take_stream();

    // From now on new clients are refused.
    void shut() { is_shut_ = true; }

    // First streams that there have ever been.
    std::uint64_t opened() const { return opened_ever_; }

    // The connection of this stream leaves. One that cannot is closed: when it is one that has
    // moved before, when a stream beside its first has been accepted, when as many as
    // options.connections have left and still live, and when there is nowhere to go.
    std::unique_ptr<Passage> detach(StreamState& first) override;

    // A connection that left another core goes on here. Fails when there are too many already: it
    // stays in its passage.
    Result<void> settle(Passage& passage);

    // From the server of the same listener on another core.
    void receive_mail(CoreId from, const Envelope& envelope);

    // Forgets the connections that have left and will arrive nowhere. Once a turn.
    void forget_lost();

    // Connections that have left and, as far as we know, live.
    std::uint32_t moved() const { return vacated_; }

    // Datagrams held for those that have not arrived.
    std::size_t held() const { return held_.size(); }

    // Gives a client a token that names `slot`, with which its next connection starts at once.
    void offer_token(QuicConnection& connection, std::uint16_t slot);

    std::uint32_t half_open() const { return static_cast<std::uint32_t>(arriving_.size()); }

    EarlyDataGate* early_data() override {
        return options().early_data == EarlyData::Off ? nullptr : &gate_;
    }
    void on_handshake_done(QuicConnection& connection) override;
    void on_let_in(QuicConnection& connection) override;
    void on_stream_opened(StreamState& stream) override;
    void on_reset_token(QuicConnection&, const ResetToken&, bool) override {}

private:
    void receive_unknown(const Datagram& datagram, const ngtcp2_version_cid& header) override;
    void receive_for_moved(Handle seat, const Datagram& datagram) override;
    void on_ended(QuicConnection& connection) override;

    void negotiate_version(const Datagram& datagram, const ngtcp2_version_cid& header);
    void reset_stateless(const Datagram& datagram, Bytes id);
    void arrive(const Datagram& datagram, const ngtcp2_pkt_hd& initial);
    void send_retry(const Datagram& datagram, const ngtcp2_pkt_hd& initial);
    void refuse(const Datagram& datagram, const ngtcp2_pkt_hd& initial, std::uint64_t code);
    bool begins_here(const AddressTokens::Meaning& token) const;
    void send_home(const AddressTokens::Meaning& token, const Datagram& datagram, Bytes first_id);
    void admit(const Datagram& datagram, const ngtcp2_pkt_hd& initial,
               const AddressTokens::Meaning* token);
    bool may_leave(const QuicConnection& connection) const;
    void receive_forwarded(const Envelope& envelope);
    void tell_of_end(RemoteHandle origin);
    void arrived(Handle seat, RemoteHandle connection);
    void forget(Handle seat);
    void forward(RemoteHandle connection, const Datagram& datagram);
    void forget_first_id(QuicConnection& connection);
    std::uint32_t retry_from() const;
    void forward_early(const Datagram& datagram, Bytes id);
    void reply(const Datagram& to, ngtcp2_ssize size);
    bool may_reset();

    AddressTokens tokens_;
    EarlyDataGate gate_;
    HashKey hash_key_;
    CoreId core_;
    CoreId cores_;
    QuicMailroom* mailroom_;
    std::uint16_t listener_;

    // Those that have left and not arrived, and what has come for them meanwhile.
    struct Departed {
        Handle seat;
        Ref<const Voyage> voyage;
    };
    struct Held {
        Handle seat;
        Letter letter;
    };
    std::vector<Departed> departed_;
    std::vector<Held> held_;
    // From the hash of an id that a client chose to its connection, while its handshake lasts.
    struct Arriving {
        Handle connection;
        SourceLimits::Claim claim;
    };
    std::unordered_map<std::uint64_t, Arriving> arriving_;
    SourceLimits sources_;
    // By the same hash, where Initials went that were sent home. What a client says early follows
    // them, and carries no token. A newer one takes the place of an older.
    struct SentHome {
        std::uint64_t key = 0;
        CoreId core = 0;
    };
    std::vector<SentHome> sent_home_;  // empty before the first
    Fifo<StreamState*> opened_;
    std::uint64_t opened_ever_ = 0;
    bool is_shut_ = false;
    std::uint64_t resets_second_ = 0;
    std::uint32_t resets_in_second_ = 0;
};

}  // namespace starling::quic
