#include "app/seat.h"

#include <utility>

#include "base/assert.h"
#include "reactor/epoll_poller.h"

namespace starling {
namespace {

// A listening socket as the broker wants it. Owner: the broker.
class TcpSource final : public StreamSource {
public:
    explicit TcpSource(std::unique_ptr<TcpListener> listener) : listener_(std::move(listener)) {}

    Result<void> attach(Poller& poller, std::uint64_t token) override {
        return listener_->attach(poller, token);
    }
    Taken take(std::unique_ptr<Stream>& stream) override {
        switch (listener_->accept(stream)) {
            case TcpListener::Accepted::Stream: return Taken::Stream;
            case TcpListener::Accepted::None: return Taken::None;
            case TcpListener::Accepted::Exhausted: break;
        }
        return Taken::Exhausted;
    }

private:
    std::unique_ptr<TcpListener> listener_;
};

// The same of a QUIC listener, which its seat keeps. Owner: the broker.
class QuicSource final : public StreamSource {
public:
    explicit QuicSource(quic::QuicListener& listener) : listener_(listener) {}
    ~QuicSource() override { listener_.server().shut(); }

    Result<void> attach(Poller&, std::uint64_t token) override { return listener_.attach(token); }
    Taken take(std::unique_ptr<Stream>& stream) override {
        stream = listener_.accept();
        return stream ? Taken::Stream : Taken::None;
    }

private:
    quic::QuicListener& listener_;
};

}  // namespace

Result<std::unique_ptr<Seat>> Seat::open(const Setup& setup) {
    STARLING_TRY(sockets, EpollPoller::open());
    if (!setup.quic) return std::unique_ptr<Seat>(new Seat(setup, std::move(sockets), nullptr));
    auto poller = std::make_unique<quic::QuicPoller>(std::move(sockets), *setup.quic, setup.id);
    auto* quic_poller = poller.get();
    return std::unique_ptr<Seat>(new Seat(setup, std::move(poller), quic_poller));
}

Seat::Seat(const Setup& setup, std::unique_ptr<Poller> poller, quic::QuicPoller* quic_poller)
    : poller_(std::move(poller)),
      quic_poller_(quic_poller),
      core_(setup.id, *poller_, setup.clock),
      broker_(core_, setup.commons, authorizer_, store_) {
    if (setup.quic) setup.quic->set_waker(setup.id, core_.waker());
}

quic::QuicPoller& Seat::quic_poller() {
    STARLING_ASSERT(quic_poller_);
    return *quic_poller_;
}

Result<void> Seat::listen(std::unique_ptr<TcpListener> listener) {
    return broker_.listen(std::make_unique<TcpSource>(std::move(listener)));
}

Result<void> Seat::listen(std::unique_ptr<quic::QuicListener> listener) {
    quic_listeners_.push_back(std::move(listener));
    return broker_.listen(std::make_unique<QuicSource>(*quic_listeners_.back()));
}

}  // namespace starling
