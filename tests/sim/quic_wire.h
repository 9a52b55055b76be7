// The clients' side of a simulated QUIC network: connections of our own client, one for each wire.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "tests/sim/world.h"
#include "transport/quic/testing.h"

namespace starling {

class QuicWire;

// All wires there are, and the endpoint below them. Owner: the world; outlives the wires.
class QuicPeers {
public:
    struct Setup {
        const quic::QuicOptions& options;
        quic::TestNetwork& network;
        quic::DatagramSender& sender;
        SocketAddress own;
        SocketAddress server;
        std::uint64_t seed;
    };
    explicit QuicPeers(const Setup& setup);
    QuicPeers(const QuicPeers&) = delete;
    QuicPeers& operator=(const QuicPeers&) = delete;

    // Some begin with what an earlier one has left: a ticket and a token.
    std::unique_ptr<Wire> dial();

    void bring(const quic::Datagram& datagram) { clients_.receive(datagram); }

    // Whatever is due now. Whether bytes have moved between a wire and its stream.
    bool turn();
    quic::TimeNs next_expiry() const { return clients_.next_expiry(); }
    std::uint32_t connections() const { return clients_.size(); }

private:
    friend class QuicWire;

    quic::TestNetwork& network_;
    const quic::Path path_;
    const quic::QuicKeys keys_ = quic::QuicKeys::random();
    const std::unique_ptr<quic::TlsContext> tls_;
    Random random_;
    quic::QuicConnection::Souvenirs souvenirs_;
    std::vector<QuicWire*> wires_;  // the oldest first
    quic::QuicClients clients_;
};

// Keeps what was sent until its stream takes it, so that the network can lose it. What the stream
// has taken arrives: QUIC sees to that. Owner: its client.
class QuicWire final : public Wire {
public:
    QuicWire(QuicPeers& peers, std::unique_ptr<quic::QuicStream> stream);
    ~QuicWire() override { std::erase(peers_.wires_, this); }

    // Writes and reads what its stream takes and has. Whether there was anything.
    bool turn();

    void send(Bytes bytes) override;
    ByteVector take() override;
    void cut(std::size_t lost) override;
    bool is_over() const override { return is_over_; }
    void stall(bool is_stalled) override { is_stalled_ = is_stalled; }

private:
    bool write();
    bool read();

    QuicPeers& peers_;
    const std::unique_ptr<quic::QuicStream> stream_;
    ByteVector waiting_;
    ByteVector received_;
    bool is_cut_ = false;
    bool is_finished_ = false;
    bool is_over_ = false;
    bool is_stalled_ = false;
};

}  // namespace starling
