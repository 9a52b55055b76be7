// Bytes over a network that loses, doubles, delays, reorders and corrupts: what arrives is what was
// sent, whether connections stay in their windows or are parked around every event.
#include <string>

#include <gtest/gtest.h>

#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

// The byte at a place of a stream's text.
std::byte letter(std::uint64_t text, std::uint64_t place) {
    return static_cast<std::byte>(mix(text + place / 8) >> (place % 8 * 8));
}

// Writes a text in pieces of any size until all of it is taken, then finishes. Owner: the test.
class Writer {
public:
    Writer(std::uint64_t text, std::uint64_t size, std::uint64_t seed)
        : text_(text),
          size_(size),
          random_(seed) {}

    void write_to(Stream& stream) {
        while (taken_ < size_) {
            ByteVector bytes(std::min<std::uint64_t>(size_ - taken_, 1 + random_.below(5'000)));
            for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = letter(text_, taken_ + i);
            const std::size_t half = bytes.size() / 2;
            const iovec pieces[] = {{bytes.data(), half},
                                    {bytes.data() + half, bytes.size() - half}};
            const auto written = stream.write(pieces);
            ASSERT_TRUE(written);
            taken_ += *written;
            if (*written < bytes.size()) return;
        }
        if (!std::exchange(is_finished_, true)) stream.finish();
    }

private:
    std::uint64_t text_;
    std::uint64_t size_;
    std::uint64_t taken_ = 0;
    bool is_finished_ = false;
    Random random_;
};

// Reads a text and compares. Owner: the test.
class Reader {
public:
    explicit Reader(std::uint64_t text) : text_(text) {}

    void read_from(Stream& stream) {
        std::array<std::byte, 3'000> buffer;
        while (!has_ended_) {
            const auto answer = stream.read(buffer);
            if (!answer) {
                EXPECT_EQ(answer.error().code, 0);
                has_ended_ = true;
                return;
            }
            for (std::size_t i = 0; i < answer->bytes; ++i, ++read_)
                ASSERT_EQ(buffer[i], letter(text_, read_)) << "at " << read_;
            if (!answer->more) return;
        }
    }

    std::uint64_t read() const { return read_; }
    bool has_ended() const { return has_ended_; }

private:
    std::uint64_t text_;
    std::uint64_t read_ = 0;
    bool has_ended_ = false;
};

// A server's end: says back what it hears, and ends when the client has. Owner: the test.
class Echo {
public:
    explicit Echo(std::unique_ptr<QuicStream> stream) : stream_(std::move(stream)) {}

    // Reads no more before all of it is said: a slow listener slows the speaker.
    void turn() {
        while (say() && hear()) {}
    }

    const QuicStream& stream() const { return *stream_; }

private:
    bool say() {
        if (unsaid_.empty()) return true;
        const iovec piece{unsaid_.data(), unsaid_.size()};
        const auto written = stream_->write({&piece, 1});
        if (!written) return false;
        unsaid_.erase(unsaid_.begin(), unsaid_.begin() + long(*written));
        return unsaid_.empty();
    }

    bool hear() {
        unsaid_.resize(10'000);
        const auto answer = stream_->read(unsaid_);
        unsaid_.resize(answer ? answer->bytes : 0);
        if (!answer) stream_->finish();
        return answer && answer->bytes != 0;
    }

    std::unique_ptr<QuicStream> stream_;
    ByteVector unsaid_;
};

// A client's end: speaks a text and hears it again. Owner: the test.
struct Speech {
    std::unique_ptr<QuicStream> stream;
    Writer writer;
    Reader reader;

    void turn() {
        writer.write_to(*stream);
        reader.read_from(*stream);
    }
};

struct Plan {
    const char* name;
    Weather weather;
    std::uint64_t bytes = 60'000;
    std::uint32_t connections = 2;
    std::uint32_t streams = 3;
    bool rebinds = false;
    bool updates_keys = false;
    bool moves = false;     // to another core of the server
    bool migrates = false;  // the client, to another address of its own
};

constexpr Plan kPlans[] = {
    {"fair", {}},
    {"slow", {.delay = 300 * kMillisecond}},
    {"reordering", {.jitter = 40 * kMillisecond}},
    {"lossy", {.loss_percent = 5}},
    {"bad", {.jitter = 20 * kMillisecond, .loss_percent = 20, .duplicate_percent = 10}, 20'000},
    {"corrupting", {.corrupt_percent = 10}},
    {"everything",
     {.jitter = 30 * kMillisecond,
      .loss_percent = 10,
      .duplicate_percent = 10,
      .corrupt_percent = 5},
     30'000},
    {"narrow", {.largest = 1'200}},
    {"rebinding", {.loss_percent = 2}, 60'000, 2, 3, true},
    {"updating", {.loss_percent = 2}, 60'000, 2, 3, false, true},
    {"large", {.loss_percent = 1}, 1'000'000, 1, 1},
    {"moving", {}, 60'000, 2, 3, false, false, true},
    {"moving_slow", {.delay = 300 * kMillisecond}, 60'000, 2, 3, false, false, true},
    {"moving_bad",
     {.jitter = 20 * kMillisecond,
      .loss_percent = 20,
      .duplicate_percent = 10,
      .corrupt_percent = 5},
     20'000,
     2,
     3,
     false,
     false,
     true},
    {"moving_rebinding", {.loss_percent = 5}, 60'000, 2, 3, true, false, true},
    {"moving_updating", {.loss_percent = 5}, 60'000, 2, 3, false, true, true},
    {"migrating", {}, 60'000, 2, 3, false, false, false, true},
    {"migrating_lossy", {.loss_percent = 5}, 60'000, 2, 3, false, false, false, true},
    {"moving_migrating", {.loss_percent = 5}, 60'000, 2, 3, false, false, true, true},
};

// Runs a plan; every failure names its seed. Owner: the test.
class Trial {
public:
    Trial(const Plan& plan, std::uint64_t seed, bool parks)
        : plan_(plan),
          // Two windows for four connections: they push each other out.
          rig_({.seed = seed,
                .parks_always = parks,
                .windows = parks ? 2u : 64u,
                .cores = static_cast<CoreId>(plan.moves ? 3 : 1)}),
          seed_(seed) {
        rig_.network.weather = plan.weather;
    }

    void go() {
        for (std::uint32_t i = 0; i < plan_.connections; ++i)
            connections_.push_back(rig_.connect());
        bool is_done = false;
        for (int i = 0; i < 120 && !is_done; ++i) {
            is_done = rig_.run_until([&] { return turn(); }, 5 * kSecond);
            pulse();
        }
        EXPECT_TRUE(is_done) << heard() << " of " << total();
        EXPECT_EQ(heard(), total());
        if (has_moved_ && is_done) expect_the_move_was_seen();
        expect_an_end();
    }

private:
    bool turn() {
        for (Handle& handle : connections_)
            if (QuicConnection* client = rig_.client(handle);
                client && client->phase() == QuicConnection::Phase::Open) {
                begin(*client);
                handle = {};
            }
        for (Speech& speech : speeches_) speech.turn();
        while (auto stream = rig_.take_server_stream()) welcome(std::move(stream));
        for (Echo& echo : echoes_) echo.turn();
        // A handshake does not survive a move, and has no keys to change.
        if (heard() * 3 > total() && handshakes() == plan_.connections) disturb();
        return testing::Test::HasFailure() || is_all_heard();
    }

    // Says something now and then, as keep-alive does: a server whose way back has been cut learns
    // the new one only from a client that speaks.
    void pulse() {
        for (const auto& stream : pulses_) {
            const iovec piece{const_cast<char*>("."), 1};
            ASSERT_TRUE(stream->write({&piece, 1}));
        }
    }

    // The first stream of a connection takes it to another core, where the others are accepted.
    void welcome(std::unique_ptr<QuicStream> stream) {
        if (plan_.moves && stream->id() == 0) {
            const auto to = static_cast<CoreId>((home_of(*stream) + 1) % rig_.cores());
            ASSERT_TRUE(rig_.move(*stream, to));
        }
        echoes_.emplace_back(std::move(stream));
    }

    CoreId home_of(const QuicStream& stream) {
        CoreId core = 0;
        const QuicConnection* connection = stream.connection();
        while (rig_.server(core).find(connection->self()) != connection) ++core;
        return core;
    }

    void begin(QuicConnection& client) {
        ready_.push_back(client.self());
        pulses_.push_back(std::make_unique<QuicStream>(rig_.clients(), *client.open_stream()));
        for (std::uint32_t i = 0; i < plan_.streams; ++i) {
            StreamState* state = client.open_stream();
            ASSERT_NE(state, nullptr);
            const std::uint64_t text = speeches_.size();
            speeches_.push_back({std::make_unique<QuicStream>(rig_.clients(), *state),
                                 Writer(text, plan_.bytes, seed_), Reader(text)});
        }
    }

    // What happens once, in the middle. Keys change when the change before has been heard of.
    void disturb() {
        if (plan_.updates_keys)
            std::erase_if(ready_,
                          [&](Handle handle) { return rig_.client(handle)->update_keys().ok(); });
        if (plan_.rebinds && !std::exchange(has_moved_, true)) rig_.client_port().rebind(50'000);
        if (plan_.migrates)
            std::erase_if(ready_, [&](Handle handle) {
                const Path there{test_address("203.0.113.9", 1'234), rig_.server_address()};
                return rig_.client(handle)->migrate(there).ok();
            });
    }

    void expect_the_move_was_seen() {
        pulse();
        rig_.run_for(10 * kSecond);
        for (const Echo& echo : echoes_)
            if (const QuicConnection* connection = echo.stream().connection()) {
                EXPECT_EQ(connection->peer().port(), 50'000);
            }
    }

    // Closing the clients' first streams closes everything, and nothing is left.
    void expect_an_end() {
        rig_.network.weather = {};
        speeches_.clear();
        pulses_.clear();
        rig_.run_for(100 * kSecond);
        EXPECT_EQ(rig_.clients().size(), 0u);
        for (CoreId core = 0; core < rig_.cores(); ++core) {
            EXPECT_EQ(rig_.server(core).size(), 0u);
            EXPECT_EQ(rig_.server(core).moved(), 0u);
            EXPECT_EQ(rig_.server(core).windows().counts().parked, 0u);
        }
        echoes_.clear();
    }

    std::uint64_t handshakes() {
        std::uint64_t count = 0;
        for (CoreId core = 0; core < rig_.cores(); ++core)
            count += rig_.server(core).counters()[QuicCount::Handshakes];
        return count;
    }
    std::uint64_t heard() const {
        std::uint64_t bytes = 0;
        for (const Speech& speech : speeches_) bytes += speech.reader.read();
        return bytes;
    }
    std::uint64_t total() const { return plan_.bytes * plan_.streams * plan_.connections; }
    bool is_all_heard() const {
        return speeches_.size() == plan_.streams * plan_.connections &&
               std::ranges::all_of(speeches_,
                                   [](const Speech& speech) { return speech.reader.has_ended(); });
    }

    const Plan& plan_;
    QuicRig rig_;
    std::uint64_t seed_;
    std::vector<Handle> connections_;  // not open yet
    std::vector<Handle> ready_;
    std::vector<std::unique_ptr<QuicStream>> pulses_;
    std::vector<Speech> speeches_;
    std::vector<Echo> echoes_;
    bool has_moved_ = false;
};

class QuicNetwork : public testing::TestWithParam<std::tuple<Plan, bool>> {};

TEST_P(QuicNetwork, BytesArriveAsTheyWereSent) {
    const auto& [plan, parks] = GetParam();
    // Parking at every event costs a hundred times more, so less is said.
    Plan shorter = plan;
    if (parks) shorter.bytes /= 4;
    for (std::uint64_t seed = 1; seed <= (parks ? 1 : 5) && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Trial(shorter, seed, parks).go();
    }
}

INSTANTIATE_TEST_SUITE_P(, QuicNetwork,
                         testing::Combine(testing::ValuesIn(kPlans), testing::Bool()),
                         [](const auto& one) {
                             return std::string(std::get<0>(one.param).name) +
                                    (std::get<1>(one.param) ? "_parked" : "");
                         });

}  // namespace
}  // namespace starling::quic
