// A network of datagrams on a virtual clock, and a server and clients on it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <functional>
#include <gnutls/x509.h>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/random.h"
#include "transport/quic/client.h"
#include "transport/quic/poller.h"
#include "transport/quic/server.h"
#include "transport/quic/stream.h"

namespace starling::quic {

// Any time that tokens can be dated by.
inline constexpr std::uint64_t kWallStartS = 1'700'000'000;

// The date at a time of the network.
inline std::uint64_t wall_s(TimeNs now) { return kWallStartS + (now - kTimeStart) / kSecond; }

inline std::string take_text(gnutls_datum_t text) {
    std::string copy(reinterpret_cast<const char*>(text.data), text.size);
    gnutls_free(text.data);
    return copy;
}

inline bool is_same(const SocketAddress& a, const SocketAddress& b) { return a.text() == b.text(); }

inline SocketAddress with_port(SocketAddress address, std::uint16_t port) {
    reinterpret_cast<sockaddr_in*>(address.data())->sin_port = htons(port);
    return address;
}

// A self-signed certificate for "localhost" and its key, in PEM. Valid from `from` to `to`, seconds
// from now.
struct TestCertificate {
    std::string certificate;
    std::string key;
};
TestCertificate make_certificate(long from = -3600, long to = 3600);

// What a datagram may suffer. Plain data.
struct Weather {
    TimeNs delay = 10 * kMillisecond;
    TimeNs jitter = 0;  // up to so much more, so they overtake each other
    std::uint32_t loss_percent = 0;
    std::uint32_t duplicate_percent = 0;
    std::uint32_t corrupt_percent = 0;
    std::size_t largest = 1500;  // what is larger vanishes
};

// Carries datagrams between ports, in the order of their virtual arrival. One seed, one run.
// Owner: the test.
class TestNetwork {
public:
    explicit TestNetwork(std::uint64_t seed) : random_(seed) {}

    Weather weather;
    TimeNs now = kTimeStart + kSecond;

    // One end. What it sends comes from `address`; a client behind a router has another one
    // outside.
    class Port final : public DatagramSender {
    public:
        Port(TestNetwork& network, const SocketAddress& address)
            : network_(network),
              address_(address),
              room_(kDatagramBytes) {}

        MutableBytes room() override { return room_; }
        void send(std::size_t size, const Path& path, std::uint8_t ecn, Handle) override;

        // The router forgets: from now on it comes from another port.
        void rebind(std::uint16_t port);

        const SocketAddress& address() const { return address_; }

        std::uint64_t sent = 0;
        std::uint64_t bytes_sent = 0;

    private:
        friend class TestNetwork;
        TestNetwork& network_;
        SocketAddress address_;      // as its owner knows it
        std::uint16_t outside_ = 0;  // its port as others see it; 0: the same
        ByteVector room_;
    };
    std::unique_ptr<Port> open(const SocketAddress& address);

    // Brings what is due at `now` to `deliver(address, datagram)`.
    template <typename Deliver>
    void deliver(Deliver deliver);

    TimeNs next() const { return on_the_way_.empty() ? kNeverNs : on_the_way_.begin()->first; }

    // Sees each datagram that is sent, and where to.
    std::function<void(Bytes, const SocketAddress& to)> watch;

    // Puts a datagram on its way unhurt: for tests that make some themselves.
    void inject(Bytes bytes, const SocketAddress& from, const SocketAddress& to);

private:
    struct Letter {
        ByteVector bytes;
        SocketAddress from;
        SocketAddress to;
        std::uint8_t ecn;
    };
    void carry(Letter letter);
    bool happens(std::uint32_t percent) { return random_.below(100) < percent; }

    Random random_;
    std::multimap<TimeNs, Letter> on_the_way_;
    std::vector<Port*> ports_;
};

inline SocketAddress test_address(const std::string& host, std::uint16_t port) {
    return *SocketAddress::parse(host, port);
}

// Streams on a virtual network need none. Owner: the test.
class NoPoller final : public Poller {
public:
    Result<void> add(int, std::uint64_t) override { return {}; }
    void remove(int) override {}
    std::span<const Readiness> wait(TimeMs) override { return {}; }
    void wake() override {}
};

// A server of one core or several and a place for clients, on one network. Owner: the test.
class QuicRig {
public:
    struct Setup {
        std::uint64_t seed = 1;
        bool parks_always = false;
        std::uint32_t windows = 8;
        CoreId cores = 1;
        QuicOptions options{};
    };
    explicit QuicRig(const Setup& setup);
    QuicRig() : QuicRig(Setup{}) {}
    ~QuicRig();

    TestNetwork network;
    QuicKeys keys = QuicKeys::random();

    QuicServer& server(CoreId core = 0) { return *cores_[core].server; }
    QuicPoller& poller(CoreId core = 0) { return *cores_[core].poller; }
    CoreId cores() const { return static_cast<CoreId>(cores_.size()); }
    QuicClients& clients() { return *active_clients_; }
    const TlsContext& server_tls() const { return *server_tls_; }
    TestNetwork::Port& client_port() { return *client_port_; }
    TestNetwork::Port& server_port() { return *server_port_; }
    const SocketAddress& server_address() const { return server_address_; }
    const SocketAddress& client_address() const { return client_address_; }

    // Other clients take the place of the rig's own; null brings those back.
    void replace_clients(QuicClients* others) {
        active_clients_ = others ? others : clients_.get();
    }

    // The server has other keys from now on, and lives on.
    void replace_keys(const QuicKeys& others);

    // The server dies and another takes its place; its keys may be the same.
    void restart_server(bool with_same_keys);

    Handle connect(Bytes ticket = {}, Bytes token = {});

    // With what an earlier connection has left, early data included.
    Handle come_again(const QuicConnection::Souvenirs& souvenirs);
    QuicConnection* client(Handle handle) { return clients().find(handle); }

    // Lets time pass until nothing more happens before `until`, or `done` says so.
    template <typename Done>
    bool run_until(Done done, TimeNs at_most = 60 * kSecond);
    void run_for(TimeNs time) {
        run_until([] { return false; }, time);
    }

    // The next stream that a client has opened, once it is there: the first of a connection, or
    // one that was accepted beside it.
    std::unique_ptr<QuicStream> take_server_stream();

    // As a client's home takes it over. Nothing else happens in between.
    Result<void> move(QuicStream& first, CoreId to) {
        first.detach();
        STARLING_CHECK(first.attach(poller(to), 0));
        if (first.connection()) cores_[to].attended.push_back(first.connection()->self());
        return {};
    }

    // Mail goes between the cores until there is none.
    void carry_mail();

    // Brings every datagram to the wrong core, as a kernel that does not steer would.
    bool strays = false;

private:
    void make_servers();
    void step();

    QuicOptions options_;
    SocketAddress server_address_ = test_address("192.0.2.1", 14567);
    SocketAddress client_address_ = test_address("198.51.100.7", 40000);
    std::unique_ptr<TestNetwork::Port> server_port_, client_port_;
    std::unique_ptr<TlsContext> server_tls_, client_tls_;

    // One of the server's.
    struct Core {
        std::unique_ptr<QuicPoller> poller;
        std::unique_ptr<Waker> waker;
        std::unique_ptr<QuicServer> server;
        std::vector<Handle> attended;  // connections whose first stream was taken
    };
    CoreId count_;
    std::unique_ptr<QuicCommons> commons_;
    std::vector<Core> cores_;
    std::unique_ptr<QuicClients> clients_;
    QuicClients* active_clients_ = nullptr;
};

// Of the server of every rig.
inline const TestCertificate& rig_certificate() {
    static const TestCertificate made = make_certificate();
    return made;
}

template <typename Deliver>
void TestNetwork::deliver(Deliver deliver) {
    while (next() <= now) {
        const Letter letter = std::move(on_the_way_.extract(on_the_way_.begin()).mapped());
        deliver(Datagram{letter.bytes, {letter.to, letter.from}, letter.ecn});
    }
}

template <typename Done>
bool QuicRig::run_until(Done done, TimeNs at_most) {
    const TimeNs end = network.now + at_most;
    while (true) {
        step();
        if (done()) return true;
        TimeNs next = std::min(network.next(), clients().next_expiry());
        for (const Core& core : cores_) next = std::min(next, core.server->next_expiry());
        if (next >= end) {
            network.now = end;
            step();
            return done();
        }
        network.now = std::max(network.now, next);
    }
}

// --- How it is done ---

inline TestCertificate make_certificate(long from, long to) {
    gnutls_x509_privkey_t key = nullptr;
    gnutls_x509_crt_t certificate = nullptr;
    gnutls_x509_privkey_init(&key);
    gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    gnutls_x509_crt_init(&certificate);
    const std::time_t now = std::time(nullptr);
    const unsigned char serial = 1;
    gnutls_x509_crt_set_version(certificate, 3);
    gnutls_x509_crt_set_serial(certificate, &serial, 1);
    gnutls_x509_crt_set_dn(certificate, "CN=localhost", nullptr);
    gnutls_x509_crt_set_activation_time(certificate, now + from);
    gnutls_x509_crt_set_expiration_time(certificate, now + to);
    gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, "localhost", 9,
                                         GNUTLS_FSAN_SET);
    gnutls_x509_crt_set_basic_constraints(certificate, 1, -1);
    gnutls_x509_crt_set_key(certificate, key);
    STARLING_ASSERT(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0) ==
                    0);

    TestCertificate made;
    gnutls_datum_t text{};
    gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &text);
    made.certificate = take_text(text);
    gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text);
    made.key = take_text(text);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    return made;
}

inline std::unique_ptr<TestNetwork::Port> TestNetwork::open(const SocketAddress& address) {
    auto port = std::make_unique<Port>(*this, address);
    ports_.push_back(port.get());
    return port;
}

inline void TestNetwork::Port::send(std::size_t size, const Path& path, std::uint8_t ecn, Handle) {
    ++sent;
    bytes_sent += size;
    const SocketAddress from = outside_ == 0 ? path.local : with_port(path.local, outside_);
    network_.carry({ByteVector(room_.begin(), room_.begin() + long(size)), from, path.remote, ecn});
}

inline void TestNetwork::Port::rebind(std::uint16_t port) { outside_ = port; }

inline void TestNetwork::inject(Bytes bytes, const SocketAddress& from, const SocketAddress& to) {
    on_the_way_.emplace(now, Letter{ByteVector(bytes.begin(), bytes.end()), from, to, 0});
}

inline void TestNetwork::carry(Letter letter) {
    if (watch) watch(letter.bytes, letter.to);
    if (letter.bytes.size() > weather.largest || happens(weather.loss_percent)) return;
    const int copies = happens(weather.duplicate_percent) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
        Letter one = letter;
        if (happens(weather.corrupt_percent)) {
            const auto at = random_.below(static_cast<std::uint32_t>(one.bytes.size()));
            one.bytes[at] ^= std::byte(1 + random_.below(255));
        }
        // A router turns its outside port into the inside one, and knows no other.
        bool is_known = true;
        for (const Port* port : ports_) {
            if (port->outside_ == 0) continue;
            const SocketAddress outside = with_port(port->address_, port->outside_);
            if (is_same(one.to, outside)) one.to = port->address_;
            else if (is_same(one.to, port->address_)) is_known = false;
        }
        if (!is_known) continue;
        const auto jitter_us = static_cast<std::uint32_t>(weather.jitter / 1'000);
        const TimeNs jitter = jitter_us == 0 ? 0 : random_.below(jitter_us) * TimeNs{1'000};
        on_the_way_.emplace(now + weather.delay + jitter, std::move(one));
    }
}

inline QuicRig::QuicRig(const Setup& setup)
    : network(setup.seed),
      options_(setup.options),
      count_(setup.cores) {
    options_.windows = setup.windows;
    options_.parks_always = setup.parks_always;
    server_port_ = network.open(server_address_);
    client_port_ = network.open(client_address_);
    const TestCertificate& identity = rig_certificate();
    server_tls_ =
        std::move(*TlsContext::server_from_pem(identity.certificate, identity.key, "test", keys));
    client_tls_ = std::move(*TlsContext::client(identity.certificate, TlsContext::Trust::Verified));
    make_servers();
    clients_ = std::make_unique<QuicClients>(QuicEndpoint::Setup{.options = options_,
                                                                 .keys = keys,
                                                                 .tls = *client_tls_,
                                                                 .sender = *client_port_,
                                                                 .seed = setup.seed});
    replace_clients(nullptr);
    step();
}

inline QuicRig::~QuicRig() = default;

inline void QuicRig::make_servers() {
    commons_ = std::make_unique<QuicCommons>(options_, keys, *server_tls_, count_);
    cores_.resize(count_);
    for (CoreId id = 0; id < count_; ++id) {
        Core& core = cores_[id];
        core.poller = std::make_unique<QuicPoller>(std::make_unique<NoPoller>(), *commons_, id);
        core.waker = std::make_unique<Waker>(*core.poller);
        commons_->set_waker(id, *core.waker);
        core.server = std::make_unique<QuicServer>(
            QuicEndpoint::Setup{.options = options_,
                                .keys = keys,
                                .tls = *server_tls_,
                                .sender = *server_port_,
                                .core = id,
                                .cores = count_,
                                .seed = 1u + id,
                                .mailroom = &core.poller->mailroom(),
                                .listener = 0,
                                .used_tickets = commons_->used_tickets()});
    }
}

inline void QuicRig::replace_keys(const QuicKeys& others) {
    keys = others;
    server_tls_->set_keys(keys);
    for (const Core& core : cores_) core.server->adopt(keys);
}

inline void QuicRig::restart_server(bool with_same_keys) {
    cores_.clear();
    QuicKeys fresh = QuicKeys::random();
    if (with_same_keys) keys.epoch = fresh.epoch;
    else keys = fresh;
    server_tls_->set_keys(keys);
    make_servers();
}

inline Handle QuicRig::connect(Bytes ticket, Bytes token) {
    return *clients().connect({.path = {client_address_, server_address_},
                               .server_name = "localhost",
                               .ticket = ticket,
                               .token = token});
}

inline Handle QuicRig::come_again(const QuicConnection::Souvenirs& souvenirs) {
    return *clients().connect({.path = {client_address_, server_address_},
                               .server_name = "localhost",
                               .ticket = souvenirs.ticket,
                               .token = souvenirs.token,
                               .limits = souvenirs.limits});
}

inline void QuicRig::step() {
    const std::uint64_t wall = wall_s(network.now);
    for (const Core& core : cores_) core.server->set_time(network.now, wall);
    clients().set_time(network.now, wall);
    network.deliver([&](const Datagram& datagram) {
        const bool is_for_server = is_same(datagram.path.local, server_address_);
        if (!is_for_server) return clients().receive(datagram);
        const unsigned steered = steer(datagram.bytes, count_) + unsigned{strays};
        cores_[steered % count_].server->receive_from_network(datagram);
    });
    carry_mail();
    for (const Core& core : cores_) core.server->expire();
    clients().expire();
    for (const Core& core : cores_) core.server->flush();
    clients().flush();
    carry_mail();
}

inline void QuicRig::carry_mail() {
    const auto waits = [](const Core& core) { return core.poller->mailroom().has_mail(); };
    do {
        for (const Core& core : cores_) core.poller->wait(0);
    } while (std::ranges::any_of(cores_, waits));
}

inline std::unique_ptr<QuicStream> QuicRig::take_server_stream() {
    for (Core& core : cores_) {
        if (StreamState* state = core.server->take_stream()) {
            if (state->connection) core.attended.push_back(state->connection->self());
            return std::make_unique<QuicStream>(*core.server, *state);
        }
        for (const Handle handle : core.attended) {
            QuicConnection* connection = core.server->find(handle);
            StreamState* state = connection ? connection->accept_stream() : nullptr;
            if (state) return std::make_unique<QuicStream>(*core.server, *state);
        }
    }
    return nullptr;
}

}  // namespace starling::quic
