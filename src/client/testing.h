// A client on a virtual clock, and its server in the hands of a test.
#pragma once

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "mqtt/testing.h"

namespace starling {

// Bytes as they read best in a failed test.
inline std::string hex(Bytes bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text += "0123456789ABCDEF"[std::to_integer<unsigned>(byte) >> 4];
        text += "0123456789ABCDEF"[std::to_integer<unsigned>(byte) & 15];
    }
    return text;
}
inline std::string hex(std::string_view notation) { return hex(wire(notation)); }

// One stream, as the server sees it. Owner: the test.
struct ScriptedWire {
    std::uint16_t stream = 0;                       // its number on its connection
    std::function<std::unique_ptr<Stream>()> open;  // another one beside the first
    ByteVector to_client;
    ByteVector from_client;
    std::size_t room = ~std::size_t{0};  // bytes that the client may still write
    std::size_t piece = 65'536;          // bytes that the client reads at a time
    bool is_ended = false;               // by the server
    bool is_finished = false;            // by the client
    bool is_open = true;
    bool is_attached = false;
    bool has_connection = true;
    Readiness news;  // not reported yet
};

// The client's end of a wire. Owner: its client.
class ScriptedStream final : public Stream {
public:
    explicit ScriptedStream(ScriptedWire& its_wire) : wire_(its_wire) {}
    ~ScriptedStream() override { wire_.is_open = false; }

    Result<void> attach(Poller&, std::uint64_t token) override {
        wire_.is_attached = true;
        wire_.news = {.token = token, .readable = true, .writable = true};
        return {};
    }
    void detach() override { wire_.is_attached = false; }

    Result<ReadAnswer> read(MutableBytes into) override {
        if (wire_.to_client.empty() && wire_.is_ended) return Error{0, "read"};
        const std::size_t count = std::min({wire_.to_client.size(), into.size(), wire_.piece});
        std::copy_n(wire_.to_client.begin(), count, into.begin());
        wire_.to_client.erase(wire_.to_client.begin(), wire_.to_client.begin() + long(count));
        return ReadAnswer{count, !wire_.to_client.empty() || (count != 0 && wire_.is_ended)};
    }

    Result<std::size_t> write(std::span<const iovec> pieces) override {
        std::size_t taken = 0;
        for (const iovec& one : pieces) {
            const std::size_t count = std::min(one.iov_len, wire_.room);
            append_bytes(wire_.from_client, {static_cast<const std::byte*>(one.iov_base), count});
            wire_.room -= count;
            taken += count;
        }
        return taken;
    }

    std::unique_ptr<Stream> open() override { return wire_.open ? wire_.open() : nullptr; }
    bool has_connection() const override { return wire_.has_connection; }
    void finish() override { wire_.is_finished = true; }
    void reset(std::uint32_t) override {}
    std::string peer_address() const override { return ""; }

private:
    ScriptedWire& wire_;
};

// Everything a client needs, with a clock that moves when told. Owner: the test.
class ClientRig : public ClientListener {
public:
    // What happened, in a word each.
    std::string log;

    explicit ClientRig(ClientOptions options = {}) { make(std::move(options)); }

    // A client in place of the one before.
    void make(ClientOptions options) {
        if (options.host == "localhost") options.host = "192.0.2.1";
        client_ = std::make_unique<Client>(loop_, std::move(options), *this);
    }

    Client& client() { return *client_; }
    void destroy() { client_.reset(); }
    ClientLoop& loop() { return loop_; }

    // The last one of this number.
    ScriptedWire& wire(std::uint16_t stream = 0) {
        return **std::find_if(wires_.rbegin(), wires_.rend(),
                              [&](const auto& one) { return one->stream == stream; });
    }
    std::size_t dials() const {
        return static_cast<std::size_t>(std::count_if(
            wires_.begin(), wires_.end(), [](const auto& one) { return one->stream == 0; }));
    }
    int refuse_dials = 0;                   // so many more times
    std::uint16_t further_streams_max = 0;  // that the server allows on a connection

    void turn() { core_.turn(loop_); }
    void pass(TimeMs ms) {
        clock_.now += ms;
        turn();
    }

    // The server sends, and the client answers; returns all it has written since.
    std::string say(std::string_view notation) { return say(0, notation); }
    std::string say(std::uint16_t stream, std::string_view notation) {
        send(starling::wire(notation), stream);
        turn();
        return heard(stream);
    }
    void send(Bytes bytes, std::uint16_t stream = 0) {
        append_bytes(wire(stream).to_client, bytes);
        wire(stream).news.readable = true;
    }
    std::string heard(std::uint16_t stream = 0) {
        return hex(std::exchange(wire(stream).from_client, {}));
    }

    // The server closes.
    void hang_up(std::uint16_t stream = 0) {
        wire(stream).is_ended = wire(stream).news.readable = wire(stream).news.ended = true;
        turn();
    }

    // The client may write so many bytes more.
    void set_room(std::size_t bytes, std::uint16_t stream = 0) {
        wire(stream).room = bytes;
        wire(stream).news.writable = bytes != 0;
    }

    // Up to the server's answer to CONNECT.
    void connect(std::string_view connack) {
        client_->connect();
        pass(0);
        heard();
        say(connack);
    }

    void on_connected(const ConnectAnswer& answer) override {
        log += answer.session_present ? "resumed " : "connected ";
        if (on_event) on_event();
    }
    void on_disconnected(const Disconnection& why) override {
        static constexpr const char* kNames[] = {"requested",     "unresolved",     "unreachable",
                                                 "refused",       "disconnected",   "lost",
                                                 "toofewstreams", "pingunanswered", "violation"};
        log += kNames[static_cast<int>(why.ending)];
        if (why.reason != Reason::Success) log += '(' + std::string(reason_name(why.reason)) + ')';
        log += why.retry_in_ms ? "... " : ". ";
        retry_in_ms = why.retry_in_ms.value_or(0);
        if (on_event) on_event();
    }
    void on_message(const IncomingMessage& message) override {
        log += std::string(message.topic) + '=' + std::string(as_text(message.payload)) + ' ';
        if (on_event) on_event();
    }

    void on_room() override { log += "room "; }

    // Writes how it ended into the log.
    auto logs(std::string name) {
        return [this, name](Reason reason) {
            log += name + ':' + std::string(reason_name(reason)) + ' ';
        };
    }

    std::function<void()> on_event;
    TimeMs retry_in_ms = 0;

private:
    struct ManualClock final : Clock {
        TimeMs now_ms() const override { return now; }
        TimeMs now = 1'000'000;
    };

    // Edge-triggered: each piece of news once.
    struct WirePoller final : Poller {
        explicit WirePoller(ClientRig& its_rig) : rig(its_rig) {}
        Result<void> add(int, std::uint64_t) override { return {}; }
        void remove(int) override {}
        std::span<const Readiness> wait(TimeMs) override {
            ready.clear();
            for (const auto& one : rig.wires_)
                if (one->is_attached)
                    ready.push_back(std::exchange(one->news, {.token = one->news.token}));
            return ready;
        }
        void wake() override {}

        ClientRig& rig;
        std::vector<Readiness> ready;
    };

    Result<std::unique_ptr<Stream>> dial() {
        if (refuse_dials > 0 && refuse_dials--) return Error{ECONNREFUSED, "connect"};
        auto stream = add_wire(0);
        wires_.back()->open = [this, opened = std::uint16_t{0}]() mutable {
            return opened < further_streams_max ? add_wire(++opened) : nullptr;
        };
        return stream;
    }

    std::unique_ptr<Stream> add_wire(std::uint16_t stream) {
        wires_.push_back(std::make_unique<ScriptedWire>());
        wires_.back()->stream = stream;
        return std::make_unique<ScriptedStream>(*wires_.back());
    }

    std::vector<std::unique_ptr<ScriptedWire>> wires_;
    ManualClock clock_;
    WirePoller poller_{*this};
    Core core_{0, poller_, clock_};
    OffloadPool pool_{1, 4};
    ClientLoop loop_{core_, pool_, 1,
                     [this](const std::string&, const ClientOptions&) { return dial(); }};
    std::unique_ptr<Client> client_;
};

inline constexpr const char* kAccepted3 = "20 02 00 00";
inline constexpr const char* kResumed3 = "20 02 01 00";
inline constexpr const char* kAccepted5 = "20 03 00 00 00";
inline constexpr const char* kResumed5 = "20 03 01 00 00";

}  // namespace starling
