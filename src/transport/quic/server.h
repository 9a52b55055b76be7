// A core's QUIC server: who may come in.
#pragma once

#include <functional>
#include <unordered_map>

#include "base/fifo.h"
#include "base/hash.h"
#include "transport/quic/address_token.h"
#include "transport/quic/endpoint.h"

namespace starling::quic {

// Answers what belongs to no connection: new clients, other versions, and those who talk to a
// server that has forgotten them.
// Owner: one core.
class QuicServer final : public QuicEndpoint {
public:
    explicit QuicServer(const Setup& setup);
    ~QuicServer() override;

    // Datagrams of connections of other cores, which the kernel has brought here.
    using StrayHandler = std::function<void(CoreId, const Datagram&)>;
    void set_stray_handler(StrayHandler handler) { on_stray_ = std::move(handler); }

    // Any datagram from the network; those for other cores go to the stray handler.
    void receive_from_network(const Datagram& datagram) override;

    // The next stream that a client has opened, or null.
    StreamState* take_stream();

    // Streams that clients have ever opened.
    std::uint64_t opened() const { return opened_ever_; }

    // Gives a client a token that names `slot`, with which its next connection starts at once.
    void offer_token(QuicConnection& connection, std::uint16_t slot);

    std::uint32_t half_open() const { return static_cast<std::uint32_t>(arriving_.size()); }

    void on_handshake_done(QuicConnection& connection) override;
    void on_stream_opened(StreamState& stream) override;
    void on_reset_token(QuicConnection&, const ResetToken&, bool) override {}

private:
    void receive_unknown(const Datagram& datagram, const ngtcp2_version_cid& header) override;
    void on_ended(QuicConnection& connection) override;

    void negotiate_version(const Datagram& datagram, const ngtcp2_version_cid& header);
    void reset_stateless(const Datagram& datagram, Bytes id);
    void arrive(const Datagram& datagram, const ngtcp2_pkt_hd& initial);
    void send_retry(const Datagram& datagram, const ngtcp2_pkt_hd& initial);
    void refuse_token(const Datagram& datagram, const ngtcp2_pkt_hd& initial);
    void admit(const Datagram& datagram, const ngtcp2_pkt_hd& initial,
               const AddressTokens::Meaning* token);
    void forget_first_id(QuicConnection& connection);
    std::uint32_t retry_from() const;
    void reply(const Datagram& to, ngtcp2_ssize size);
    bool may_reset();

    AddressTokens tokens_;
    HashKey hash_key_;
    CoreId core_;
    CoreId cores_;
    StrayHandler on_stray_;
    // From the hash of an id that a client chose to its connection, while its handshake lasts.
    std::unordered_map<std::uint64_t, Handle> arriving_;
    Fifo<StreamState*> opened_;
    std::uint64_t opened_ever_ = 0;
    std::uint64_t resets_second_ = 0;
    std::uint32_t resets_in_second_ = 0;
};

}  // namespace starling::quic
