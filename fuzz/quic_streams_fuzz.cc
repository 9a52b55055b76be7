// Lets a client open, write, finish, break off and stop streams, and its server accept, read,
// answer and leave them, in any order and weather. What is read is what was written; nobody has
// more than the limits allow; and when all have ended nothing of them is left, nor of the
// connection when it has.
#include <map>

#include "base/assert.h"
#include "transport/quic/testing.h"

namespace starling::quic {

// What the endpoints do not tell, and what a peer may do that ours never does.
struct QuicConnectionProbe {
    static const StreamState* streams(const QuicConnection& connection) {
        return connection.streams_;
    }

    // Bytes that the peer lets it send on all its streams together.
    static std::uint64_t credit(QuicConnection& connection) {
        QuicConnection::Visit visit(connection);
        return ngtcp2_conn_get_max_data_left(visit.library());
    }

    // Only one direction, of which the own side's stream hears nothing.
    using End = int (*)(ngtcp2_conn*, std::int64_t, std::uint64_t);
    static void end(QuicConnection& connection, std::int64_t id, End one) {
        if (connection.phase() != QuicConnection::Phase::Open) return;
        {
            QuicConnection::Visit visit(connection);
            one(visit.library(), id, 7);
        }
        connection.mark_dirty();
    }
};

namespace {

constexpr std::size_t kInputMax = 1'000;  // bytes of an input that are played
constexpr std::size_t kWidenings = 4;     // of the credit of who is read fast: docs/limits.md

// Narrow, so that every limit is met.
QuicOptions narrow() {
    QuicOptions options;
    options.streams = 5;
    options.stream_bytes = 3'000;
    options.connection_bytes = 8'000;
    options.held_stream_bytes = 500;
    options.held_bytes = 1'500;
    options.streams_per_second = 20;
    return options;
}

constexpr std::size_t kSlowBytes = 500;

// What stands at each place of a stream.
std::byte expected(std::int64_t id, std::uint64_t at) {
    return static_cast<std::byte>(static_cast<std::uint64_t>(id) * 37 + at);
}

// How much of a stream has been said one way, and heard.
struct Talk {
    std::uint64_t said = 0;
    std::uint64_t heard = 0;
};

// One end of a stream. Dropped with this, as a broker does. Owner: its side.
class Held {
public:
    Held(StreamState& state, Talk& says, Talk& hears) : state_(state), says_(says), hears_(hears) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { QuicConnection::drop(state_); }

    void write(std::size_t size) {
        ByteVector text(size);
        for (std::size_t i = 0; i < size; ++i) text[i] = expected(state_.id, says_.said + i);
        const iovec piece{text.data(), text.size()};
        if (const auto taken = QuicConnection::write(state_, {&piece, 1})) says_.said += *taken;
    }

    void read(std::size_t size) {
        ByteVector room(size);
        const auto answer = QuicConnection::read(state_, room);
        if (!answer) {
            // A clean end comes after all that was said.
            const bool is_clean = state_.connection && answer.error().code == 0;
            STARLING_ASSERT(!is_clean || hears_.heard == hears_.said);
            return;
        }
        for (std::size_t i = 0; i < answer->bytes; ++i)
            STARLING_ASSERT(room[i] == expected(state_.id, hears_.heard++));
        STARLING_ASSERT(hears_.heard <= hears_.said);
    }

    void finish() { QuicConnection::finish(state_); }
    void reset() { QuicConnection::reset(state_, 3); }
    std::int64_t id() const { return state_.id; }

private:
    StreamState& state_;
    Talk& says_;
    Talk& hears_;
};

using Side = std::vector<std::unique_ptr<Held>>;

// One client's life, as the input tells it. Owner: run().
class Life {
public:
    explicit Life(QuicRig& rig) : rig_(rig), client_(rig.connect()) {
        STARLING_ASSERT(rig_.run_until([&] { return ours().is_tls_free(); }));
        control_ = std::make_unique<QuicStream>(rig_.clients(), *ours().open_stream());
        say(*control_);
        STARLING_ASSERT(rig_.run_until([&] { return take_control(); }));
    }

    void act(unsigned what, unsigned argument) {
        switch (what % 16) {
            case 0:
            case 1: return open();
            case 2: return on(clients_, argument, [&](Held& one) { one.write(argument * 20); });
            case 3: return on(clients_, argument, [&](Held& one) { one.finish(); });
            case 4: return on(clients_, argument, [&](Held& one) { one.reset(); });
            case 5: return end_one_way(argument, shut_reading);
            case 6: return end_one_way(argument, shut_writing);
            case 7: return drop(clients_, argument);
            case 8: return on(clients_, argument, [&](Held& one) { one.read(1 + argument); });
            case 9: return accept();
            case 10: return on(servers_, argument, [&](Held& one) { one.read(1 + argument * 8); });
            case 11: return on(servers_, argument, [&](Held& one) { one.write(argument * 20); });
            case 12: return on(servers_, argument, [&](Held& one) { one.finish(); });
            case 13: return drop(servers_, argument);
            case 14: return rig_.run_for(argument * kMillisecond);
            default: return change_weather(argument);
        }
    }

    void check_bounds() {
        const QuicOptions& options = rig_.server().options();
        std::size_t streams = 0, unread = 0;
        for (const StreamState* one = QuicConnectionProbe::streams(theirs()); one;
             one = one->next) {
            ++streams;
            unread += one->received.size();
            STARLING_ASSERT(one->received.size() <= kWidenings * options.stream_bytes);
        }
        STARLING_ASSERT(streams <= options.streams);
        STARLING_ASSERT(unread <= kWidenings * options.connection_bytes);
    }

    // Everybody leaves; then there is room again for as many as at first, and for what they say.
    void end_all() {
        rig_.network.weather = Weather{};
        clients_.clear();
        servers_.clear();
        rig_.run_for(20 * kSecond);
        while (StreamState* late = theirs().accept_stream()) QuicConnection::drop(*late);
        rig_.run_for(20 * kSecond);
        // Not so on our side: a stream of which the server hears nothing but its end, as the rest
        // was lost, it forgets at once, and the library answers nothing.
        STARLING_ASSERT(count(theirs()) == 1);
        const QuicOptions& options = rig_.server().options();
        for (std::uint16_t i = 1; i < options.streams; ++i) open();
        STARLING_ASSERT(clients_.size() == options.streams - 1u);
        STARLING_ASSERT(!ours().open_stream());
        rig_.run_for(kSecond);
        for (std::uint16_t i = 1; i < options.streams; ++i) accept();
        STARLING_ASSERT(servers_.size() == options.streams - 1u);
        send(6 * options.connection_bytes);
        say(*control_);
        rig_.run_for(kSecond);
        STARLING_ASSERT(hear(*theirs_control_) == 1);
        check_credit();
    }

    // The connection goes, and nothing of it stays.
    void leave() {
        clients_.clear();
        servers_.clear();
        control_.reset();
        rig_.run_for(kSecond);
        theirs_control_.reset();
        rig_.run_for(60 * kSecond);
        STARLING_ASSERT(rig_.server().size() == 0 && rig_.clients().size() == 0);
        STARLING_ASSERT(rig_.server().half_open() == 0 && !rig_.server().has_news());
        for (const QuicCount what :
             {QuicCount::Connections, QuicCount::Parked, QuicCount::Awake, QuicCount::BlobBytes})
            STARLING_ASSERT(rig_.server().counters()[what] == 0);
    }

private:
    QuicConnection& ours() { return *rig_.client(client_); }
    QuicConnection& theirs() { return *theirs_control_->connection(); }

    // Sent slowly and read at once, the library has told of all that is free again whenever it has
    // told of anything: as much as there may be, and no less.
    void check_credit() {
        const std::uint64_t all = kWidenings * rig_.server().options().connection_bytes;
        std::uint64_t most = 0;
        for (std::uint64_t sent = 0; sent < all; sent += kSlowBytes) {
            send(kSlowBytes);
            rig_.run_for(100 * kMillisecond);
            most = std::max(most, QuicConnectionProbe::credit(ours()));
        }
        STARLING_ASSERT(most <= all && most >= all - 2 * kSlowBytes);
    }

    bool take_control() {
        theirs_control_ = rig_.take_server_stream();
        return theirs_control_ && hear(*theirs_control_) == 1;
    }

    static void say(QuicStream& stream) {
        std::byte byte{};
        const iovec piece{&byte, 1};
        STARLING_ASSERT(*stream.write({&piece, 1}) == 1);
    }
    static std::size_t hear(QuicStream& stream) {
        ByteVector room(10);
        return stream.read(room)->bytes;
    }

    static std::size_t count(const QuicConnection& connection) {
        std::size_t streams = 0;
        for (const StreamState* one = QuicConnectionProbe::streams(connection); one;
             one = one->next)
            ++streams;
        return streams;
    }

    // The server hears of a stream with its first byte.
    void open() {
        StreamState* state = ours().open_stream();
        if (!state) return;
        clients_.push_back(std::make_unique<Held>(*state, up_[state->id], down_[state->id]));
        clients_.back()->write(1);
    }

    void accept() {
        StreamState* state = theirs().accept_stream();
        if (!state) return;
        servers_.push_back(std::make_unique<Held>(*state, down_[state->id], up_[state->id]));
    }

    template <typename Act>
    static void on(Side& side, unsigned which, Act act) {
        if (!side.empty()) act(*side[which % side.size()]);
    }

    void end_one_way(unsigned which, QuicConnectionProbe::End end) {
        on(clients_, which, [&](Held& one) { QuicConnectionProbe::end(ours(), one.id(), end); });
    }

    static void drop(Side& side, unsigned which) {
        if (side.empty()) return;
        std::swap(side[which % side.size()], side.back());
        side.pop_back();
    }

    void change_weather(unsigned how) {
        Weather& weather = rig_.network.weather;
        weather.loss_percent = how % 4 * 10;
        weather.duplicate_percent = how / 4 % 2 * 20;
        weather.jitter = how / 8 % 2 * 30 * kMillisecond;
    }

    // On one stream to the server, which reads all of it.
    void send(std::size_t bytes) {
        Talk& talk = up_[clients_.back()->id()];
        const std::uint64_t end = talk.said + bytes;
        STARLING_ASSERT(rig_.run_until([&] {
            clients_.back()->write(std::min<std::size_t>(end - talk.said, 1'000));
            for (const auto& one : servers_) one->read(1'000);
            return talk.heard == end;
        }));
    }

    QuicRig& rig_;
    Handle client_;
    std::unique_ptr<QuicStream> control_, theirs_control_;
    std::map<std::int64_t, Talk> up_, down_;  // by the stream's id
    Side clients_, servers_;
};

// The first byte says whether connections are parked after every use, which takes fifty times as
// long; then come pairs of what happens and how.
void run(Bytes input) {
    static QuicRig resident{{.windows = 4, .options = narrow()}};
    static QuicRig parked{{.parks_always = true, .windows = 4, .options = narrow()}};
    if (input.empty()) return;
    const bool parks = std::to_integer<unsigned>(input[0]) % 16 == 1;
    input = input.subspan(1).first(std::min(input.size() - 1, kInputMax));
    Life life(parks ? parked : resident);
    for (; input.size() >= 2; input = input.subspan(2)) {
        life.act(std::to_integer<unsigned>(input[0]), std::to_integer<unsigned>(input[1]));
        life.check_bounds();
    }
    life.end_all();
    life.leave();
}

}  // namespace
}  // namespace starling::quic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::quic::run(std::as_bytes(std::span(data, size)));
    return 0;
}
