// One core of the broker behind a QUIC server on a simulated network.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "reactor/core.h"
#include "tests/sim/authorizer.h"
#include "transport/quic/testing.h"

namespace starling {

// Stands where a core's socket and its poller would: datagrams are what the network has brought,
// the time is the network's. Owner: as the inner poller.
class QuicDoor final : public Poller {
public:
    explicit QuicDoor(const quic::TestNetwork& network) : network_(network) {}

    // REQUIRES: called before the first wait().
    void serve(quic::QuicServer& server) { server_ = &server; }

    // New streams are reported under `token`.
    void watch(std::uint64_t token) { token_ = token; }

    void bring(const quic::Datagram& datagram) { inbox_.emplace_back(datagram); }
    bool has_unread() const { return !inbox_.empty() || server_->opened() != seen_; }

    Result<void> add(int, std::uint64_t) override { return {}; }
    void remove(int) override {}
    std::span<const Readiness> wait(TimeMs) override {
        news_.clear();
        server_->flush();
        server_->set_time(network_.now, quic::wall_s(network_.now));
        for (const quic::Letter& letter : std::exchange(inbox_, {}))
            server_->receive_from_network(letter.view());
        server_->expire();
        server_->take_news(news_);
        if (std::exchange(seen_, server_->opened()) != server_->opened())
            news_.push_back({.token = token_, .readable = true});
        return news_;
    }
    void wake() override {}

private:
    const quic::TestNetwork& network_;
    quic::QuicServer* server_ = nullptr;
    std::vector<quic::Letter> inbox_;
    std::vector<Readiness> news_;
    std::uint64_t token_ = 0;
    std::uint64_t seen_ = 0;  // streams reported
};

// New streams for the broker. Owner: the broker.
class QuicEntrance final : public StreamSource {
public:
    QuicEntrance(QuicDoor& door, quic::QuicServer& server) : door_(door), server_(server) {}
    ~QuicEntrance() override { server_.shut(); }

    Result<void> attach(Poller&, std::uint64_t token) override {
        door_.watch(token);
        return {};
    }
    Taken take(std::unique_ptr<Stream>& stream) override {
        quic::StreamState* state = server_.take_stream();
        if (!state) return Taken::None;
        stream = std::make_unique<quic::QuicStream>(server_, *state);
        return Taken::Stream;
    }

private:
    QuicDoor& door_;
    quic::QuicServer& server_;
};

// Owner: the world.
class QuicSeat {
public:
    struct Setup {
        CoreId id;
        const Clock& clock;  // the broker's
        Commons& commons;
        quic::QuicCommons& quic;
        quic::TestNetwork& network;
        quic::DatagramSender& sender;
        const Rules& rules;
        Store& store;
        std::uint64_t seed;
    };
    explicit QuicSeat(const Setup& setup)
        : door_(new QuicDoor(setup.network)),
          poller_(std::unique_ptr<Poller>(door_), setup.quic, setup.id),
          core_(setup.id, poller_, setup.clock),
          authorizer_(setup.rules, setup.seed + 4 * setup.id),
          server_({.options = setup.quic.options,
                   .keys = setup.quic.keys.get()->keys,
                   .tls = setup.quic.tls,
                   .sender = setup.sender,
                   .core = setup.id,
                   .cores = setup.quic.cores(),
                   .seed = setup.seed,
                   .mailroom = &poller_.mailroom()}),
          broker_(core_, setup.commons, authorizer_, setup.store) {
        setup.quic.set_waker(setup.id, core_.waker());
        door_->serve(server_);
        const auto listening = broker_.listen(std::make_unique<QuicEntrance>(*door_, server_));
        STARLING_ASSERT(listening);
    }

    void bring(const quic::Datagram& datagram) { door_->bring(datagram); }
    void turn() { core_.turn(broker_); }
    Broker& broker() { return broker_; }
    quic::QuicServer& server() { return server_; }

    // A turn would find something to do.
    bool has_work() {
        return broker_.has_work() || broker_.has_mail() || door_->has_unread() ||
               server_.has_news() || poller_.mailroom().has_mail();
    }

private:
    QuicDoor* const door_;  // the poller has it
    quic::QuicPoller poller_;
    Core core_;
    SimAuthorizer authorizer_;
    quic::QuicServer server_;
    Broker broker_;
};

}  // namespace starling
