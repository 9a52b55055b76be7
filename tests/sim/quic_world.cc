// The broker behind QUIC: its clients' datagrams are lost, doubled, damaged and late. Two clocks:
// that of the network runs on in every turn, as long as anything is under way; the broker's moves
// in pass() only, as in the other worlds. Ports stay what they are: ngtcp2 0.12.1 gives up some
// connections whose port changes, and the model knows no connection that ends by itself.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/memory_store.h"
#include "tests/sim/quic_seat.h"
#include "tests/sim/quic_wire.h"
#include "tests/sim/store.h"
#include "transport/quic/library_types.h"

namespace starling {
namespace {

using quic::kMillisecond;
using quic::TimeNs;

constexpr std::uint16_t kServerPort = 14567;
constexpr std::size_t kSmallestMtu = 1'200;
constexpr std::size_t kLargestMtu = 1'500;

template <std::size_t count>
std::uint32_t one_of(Random& random, const std::uint32_t (&choices)[count]) {
    return choices[random.below(static_cast<std::uint32_t>(count))];
}

quic::Weather some_weather(Random& random) {
    quic::Weather weather;
    weather.delay = (1 + random.below(100)) * kMillisecond;
    weather.jitter = one_of(random, {0, 5, 60}) * kMillisecond;
    weather.loss_percent = one_of(random, {0, 0, 1, 5, 10, 20});
    weather.duplicate_percent = one_of(random, {0, 0, 5, 20});
    weather.corrupt_percent = one_of(random, {0, 0, 2, 5});
    weather.largest = random.below(4) == 0 ? kSmallestMtu : kLargestMtu;
    return weather;
}

// Little of everything that connections share, so that they get in each other's way. Nobody is
// given up: the model knows no connection that ends by itself. With few windows clients are asked
// to show their address; where datagrams get damaged nobody is.
quic::QuicOptions some_quic_options(const quic::Weather& weather, Random& random) {
    quic::QuicOptions options;
    options.windows = weather.corrupt_percent == 0 ? one_of(random, {1, 2, 16}) : 16;
    options.parks_always = random.below(5) == 0;
    options.stream_bytes = one_of(random, {500, 5'000, 65'536});
    options.connection_bytes = 2 * options.stream_bytes;
    options.held_stream_bytes = std::min(options.held_stream_bytes, options.stream_bytes);
    options.held_bytes = std::min(options.held_bytes, options.connection_bytes);
    options.live_ciphers = one_of(random, {2, 1'024});
    options.forwards = one_of(random, {2, 256});
    options.held_datagrams = one_of(random, {0, 256});
    options.user_timeout_ms = 600'000;
    options.handshake_timeout_s = 600;
    return options;
}

// Moves when told. Owner: the world.
struct BrokerClock final : Clock {
    TimeMs now_ms() const override { return now; }
    TimeMs now = 1'000'000;
};

// Owner: the driver.
class QuicWorld final : public World {
public:
    explicit QuicWorld(const WorldShape& shape);

    std::unique_ptr<Wire> dial() override { return peers_->dial(); }
    void turn() override;
    void turn_some(unsigned turns) override;
    void pass(TimeMs ms) override;
    TimeMs now() const override { return now_; }
    void stop() override { seats_.front()->broker().stop(); }
    bool has_stopped() override;
    std::string leftovers() override;
    const Kept* kept() const override { return stores_.empty() ? nullptr : &kept_; }

private:
    void open_seats(const WorldShape& shape);
    QuicSeat& any_seat() { return *seats_[random_.below(quic_commons_.cores())]; }
    void come_to_rest();
    bool round();
    void bring();
    CoreId core_of(const quic::Datagram& datagram);
    void change_network();
    void await_last_words();
    TimeNs next_event() const;

    Random random_;
    const quic::Weather weather_;  // at the beginning
    const quic::QuicOptions quic_options_;
    const quic::QuicKeys keys_ = quic::QuicKeys::random();
    const std::unique_ptr<quic::TlsContext> tls_;
    quic::TestNetwork network_;
    const std::unique_ptr<quic::TestNetwork::Port> server_port_;
    const std::unique_ptr<quic::TestNetwork::Port> client_port_;
    const bool has_black_holes_;
    const bool strays_;
    std::map<std::string, CoreId> first_ids_;  // that clients have chosen: where they arrive

    BrokerClock clock_;
    TimeMs now_ = 0;
    Commons commons_;
    Kept kept_;
    MemoryStore no_store_;
    std::vector<std::unique_ptr<SimStore>> stores_;
    quic::QuicCommons quic_commons_;
    std::vector<std::unique_ptr<QuicSeat>> seats_;
    std::unique_ptr<QuicPeers> peers_;
};

QuicWorld::QuicWorld(const WorldShape& shape)
    : random_(shape.seed),
      weather_(some_weather(random_)),
      quic_options_(some_quic_options(weather_, random_)),
      tls_(std::move(*quic::TlsContext::server_from_pem(
          quic::rig_certificate().certificate, quic::rig_certificate().key, "test", keys_))),
      network_(random_.next()),
      server_port_(network_.open(quic::test_address("192.0.2.1", kServerPort))),
      client_port_(network_.open(quic::test_address("198.51.100.7", 40'000))),
      has_black_holes_(random_.below(3) == 0),
      strays_(random_.below(4) == 0),
      commons_(shape.options, {1, 2}, shape.cores),
      quic_commons_(quic_options_, keys_, *tls_, shape.cores) {
    network_.weather = weather_;
    open_seats(shape);
    peers_ = std::make_unique<QuicPeers>(QuicPeers::Setup{.options = quic_options_,
                                                          .network = network_,
                                                          .sender = *client_port_,
                                                          .own = client_port_->address(),
                                                          .server = server_port_->address(),
                                                          .seed = shape.seed});
}

void QuicWorld::open_seats(const WorldShape& shape) {
    for (CoreId core = 0; core < shape.cores; ++core) {
        if (shape.has_stores)
            stores_.push_back(std::make_unique<SimStore>(kept_, shape.seed + 4 * core));
        Store& store = shape.has_stores ? static_cast<Store&>(*stores_.back()) : no_store_;
        seats_.push_back(std::make_unique<QuicSeat>(QuicSeat::Setup{.id = core,
                                                                    .clock = clock_,
                                                                    .commons = commons_,
                                                                    .quic = quic_commons_,
                                                                    .network = network_,
                                                                    .sender = *server_port_,
                                                                    .rules = shape.rules,
                                                                    .store = store,
                                                                    .seed = shape.seed}));
    }
}

// Until nothing is on its way and no timer is left: what was lost has been sent again.
void QuicWorld::turn() {
    change_network();
    come_to_rest();
    for (std::size_t events = 0; next_event() != quic::kNeverNs; ++events) {
        STARLING_ASSERT(events < 1'000'000);  // they never come to rest
        network_.now = std::max(network_.now, next_event());
        come_to_rest();
    }
}

void QuicWorld::turn_some(unsigned turns) {
    for (; turns != 0; --turns) {
        if (random_.below(50) == 0) change_network();
        network_.now += random_.below(8) * kMillisecond;
        bring();
        any_seat().turn();
        if (random_.below(2) == 0) peers_->turn();
    }
}

// Until nothing more happens at this time. A turn may leave something behind that only the next one
// finds, such as a connection that mail has made dirty: so one in which nothing happens is not
// enough.
void QuicWorld::come_to_rest() {
    for (int idle = 0; idle < 2;) idle = round() ? 0 : idle + 1;
}

bool QuicWorld::round() {
    const std::uint64_t sent = server_port_->sent + client_port_->sent;
    bring();
    for (const auto& seat : seats_) seat->turn();
    if (seats_.size() > 1) any_seat().turn();
    const bool has_moved = peers_->turn();
    return has_moved || sent != server_port_->sent + client_port_->sent ||
           std::ranges::any_of(seats_, [](const auto& seat) { return seat->has_work(); });
}

void QuicWorld::bring() {
    network_.deliver([&](const quic::Datagram& datagram) {
        if (datagram.path.local.port() != kServerPort) return peers_->bring(datagram);
        seats_[core_of(datagram)]->bring(datagram);
    });
}

// As the kernel steers, but that a seed says where a client arrives. Sometimes it errs.
CoreId QuicWorld::core_of(const quic::Datagram& datagram) {
    const CoreId cores = quic_commons_.cores();
    if (strays_ && random_.below(10) == 0) return static_cast<CoreId>(random_.below(cores));
    const CoreId steered = quic::steer(datagram.bytes, cores);
    ngtcp2_version_cid header{};
    ngtcp2_pkt_decode_version_cid(&header, quic::raw(datagram.bytes.data()), datagram.bytes.size(),
                                  quic::kIdBytes);
    const Bytes id = quic::view(header.dcid, header.dcidlen);
    if (seats_[steered]->server().ids().read(id).origin != quic::ConnectionIds::Origin::Foreign)
        return steered;
    const auto arrival = static_cast<CoreId>(random_.below(cores));
    return first_ids_.emplace(as_text(id), arrival).first->second;
}

// A narrower link comes into the way, or leaves it.
void QuicWorld::change_network() {
    if (!has_black_holes_ || random_.below(10) != 0) return;
    std::size_t& largest = network_.weather.largest;
    largest = largest == kLargestMtu ? kSmallestMtu : kLargestMtu;
}

TimeNs QuicWorld::next_event() const {
    TimeNs next = std::min(network_.next(), peers_->next_expiry());
    for (const auto& seat : seats_) next = std::min(next, seat->server().next_expiry());
    return next;
}

// Twice, as what timers begin in one turn shows in the next.
void QuicWorld::pass(TimeMs ms) {
    now_ += ms;
    clock_.now += ms;
    network_.now += ms * kMillisecond;
    turn();
    turn();
}

bool QuicWorld::has_stopped() {
    await_last_words();
    return std::ranges::all_of(seats_,
                               [](const auto& seat) { return seat->broker().is_stopped(); });
}

// With its wire a connection goes, too. Where the client's last word was lost the broker waits for
// it, by its own clock, and no longer than this.
void QuicWorld::await_last_words() {
    clock_.now += 2 * limits::kLingerMs;
    turn();
    turn();
}

std::string QuicWorld::leftovers() {
    await_last_words();
    std::string found = leftovers_of(commons_);
    if (!kept_.is_empty()) found += " things in a store";
    if (peers_->connections() != 0) found += " connections of clients";
    for (const auto& seat : seats_) {
        if (seat->server().size() != 0) found += " connections of the QUIC server";
        if (seat->server().moved() != 0) found += " places of connections that have moved";
        if (seat->server().held() != 0) found += " datagrams held";
    }
    return found;
}

}  // namespace

std::unique_ptr<World> make_quic_world(const WorldShape& shape) {
    return std::make_unique<QuicWorld>(shape);
}

}  // namespace starling
