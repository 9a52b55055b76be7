// A broker of some cores on a virtual clock and in one thread, and its clients in the hands of a
// test.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "mqtt/testing.h"

namespace starling {

// One connection, as its client sees it. Owner: the test.
struct TestWire {
    ByteVector to_broker;
    ByteVector from_broker;
    std::size_t room = ~std::size_t{0};  // bytes that the broker may still write
    std::size_t piece = 65'536;          // bytes that the broker reads at a time
    bool is_ended = false;               // by the client
    bool has_connection = true;
    bool is_finished = false;  // by the broker
    bool is_open = true;
    bool may_move = true;
    int homes = 0;                                  // cores it was attached to, one after the other
    Poller* poller = nullptr;                       // of the core it is attached to
    Readiness news;                                 // not reported yet
    std::vector<std::shared_ptr<TestWire>> opened;  // beside it, and not taken by the broker yet
    std::optional<std::uint32_t> reset_code;        // that the broker has reset it with

    bool has_news() const {
        return poller && is_open && (news.readable || news.writable || news.opened);
    }
};

// The broker's end of a wire. Owner: its connection.
class TestStream final : public Stream {
public:
    explicit TestStream(std::shared_ptr<TestWire> its_wire) : wire_(std::move(its_wire)) {}
    ~TestStream() override { wire_->is_open = false; }

    Result<void> attach(Poller& poller, std::uint64_t token) override {
        wire_->poller = &poller;
        ++wire_->homes;
        wire_->news = {.token = token,
                       .readable = true,
                       .writable = true,
                       .ended = wire_->is_ended,
                       .opened = !wire_->opened.empty()};
        return {};
    }
    void detach() override {
        STARLING_ASSERT(may_move());
        wire_->poller = nullptr;
    }
    bool may_move() const override { return wire_->may_move; }

    std::unique_ptr<Stream> accept() override {
        if (wire_->opened.empty()) return nullptr;
        const auto first = std::exchange(wire_->opened.front(), nullptr);
        wire_->opened.erase(wire_->opened.begin());
        return std::make_unique<TestStream>(first);
    }

    Result<ReadAnswer> read(MutableBytes into) override {
        ByteVector& from = wire_->to_broker;
        if (from.empty() && wire_->is_ended) return Error{0, "read"};
        const std::size_t count = std::min({from.size(), into.size(), wire_->piece});
        std::copy_n(from.begin(), count, into.begin());
        from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
        return ReadAnswer{count, !from.empty() || wire_->is_ended};
    }

    Result<std::size_t> write(std::span<const iovec> pieces) override {
        std::size_t taken = 0;
        for (const iovec& one : pieces) {
            const std::size_t count = std::min(one.iov_len, wire_->room);
            append_bytes(wire_->from_broker, {static_cast<const std::byte*>(one.iov_base), count});
            wire_->room -= count;
            taken += count;
        }
        return taken;
    }

    void finish() override { wire_->is_finished = true; }
    void reset(std::uint32_t code) override { wire_->reset_code = code; }
    bool has_connection() const override { return wire_->has_connection; }
    std::string peer_address() const override { return ""; }

private:
    std::shared_ptr<TestWire> wire_;
};

// A broker and everything it needs, with a clock that moves when told. Its cores take turns in a
// random order. Owner: the test.
class BrokerRig {
public:
    using Wire = std::shared_ptr<TestWire>;

    struct Shape {
        CoreId cores = 1;
        std::uint64_t seed = 1;  // of the order of turns, and where clients arrive
    };

    explicit BrokerRig(const BrokerOptions& options = quiet()) : BrokerRig(options, Shape{}) {}
    // One authorizer serves all cores; each has a store of its own.
    BrokerRig(const BrokerOptions& options, Shape shape, Authorizer* authorizer = nullptr,
              const std::vector<Store*>& stores = {})
        : commons_(options, {1, 2}, shape.cores),
          authorizer_(authorizer ? *authorizer : everybody_may_),
          random_(shape.seed) {
        for (CoreId core = 0; core < shape.cores; ++core) {
            Store& store = stores.empty() ? nothing_is_kept_ : *stores[core];
            seats_.push_back(std::make_unique<Seat>(*this, core, store));
        }
    }

    // No $SYS.
    static BrokerOptions quiet() {
        BrokerOptions options;
        options.sys_interval_s = 0;
        return options;
    }

    Broker& broker(CoreId core = 0) { return seats_[core]->broker; }
    Commons& commons() { return commons_; }
    TimeMs now() const { return clock_.now; }

    // Turns of all cores until nothing is left to do now.
    void turn() {
        std::size_t rounds = 0;
        do {
            STARLING_ASSERT(++rounds < 100'000);  // they never come to rest
            for (std::size_t i = 0; i < seats_.size(); ++i) turn_some(1);
            for (const auto& seat : seats_) seat->core.turn(seat->broker);
        } while (has_work());
    }

    // So many turns, each of any core: work may stay under way.
    void turn_some(std::size_t turns) {
        for (; turns != 0; --turns) turn_core(static_cast<CoreId>(random_.below(cores())));
    }
    void turn_core(CoreId core) { seats_[core]->core.turn(seats_[core]->broker); }

    // Time passes, and nobody takes a turn yet.
    void skip(TimeMs ms) { clock_.now += ms; }

    void pass(TimeMs ms) {
        skip(ms);
        turn();
        turn();  // what the timers have begun
    }

    // A client arrives, at any core or at the one named.
    Wire dial() { return dial(static_cast<CoreId>(random_.below(cores()))); }
    Wire dial(CoreId core) {
        wires_.push_back(std::make_shared<TestWire>());
        broker(core).adopt(std::make_unique<TestStream>(wires_.back()));
        return wires_.back();
    }

    // The client opens another stream beside its first.
    Wire open(const Wire& first) {
        wires_.push_back(std::make_shared<TestWire>());
        first->opened.push_back(wires_.back());
        first->news.opened = true;
        return wires_.back();
    }

    void send(const Wire& wire, std::string_view notation) {
        append_bytes(wire->to_broker, starling::wire(notation));
        wire->news.readable = true;
    }

    // The client sends; returns what the broker has written to it since.
    std::string say(const Wire& wire, std::string_view notation) {
        send(wire, notation);
        turn();
        return heard(wire);
    }

    static std::string heard(const Wire& wire) { return hex(std::exchange(wire->from_broker, {})); }

    // The client's network breaks. Of several streams the first is told last, and has more to read.
    void hang_up(const Wire& first, const std::vector<Wire>& others = {}) {
        for (const Wire& one : others) cut(one);
        if (!others.empty()) turn();
        cut(first);
        turn();
    }

    // The broker may write so many bytes more.
    void set_room(const Wire& wire, std::size_t bytes) {
        wire->room = bytes;
        wire->news.writable = bytes != 0;
    }

    static std::string hex(Bytes bytes) {
        std::string text;
        for (const std::byte byte : bytes) {
            text += "0123456789ABCDEF"[std::to_integer<unsigned>(byte) >> 4];
            text += "0123456789ABCDEF"[std::to_integer<unsigned>(byte) & 15];
        }
        return text;
    }
    static std::string hex(std::string_view notation) { return hex(starling::wire(notation)); }

private:
    static void cut(const Wire& wire) {
        wire->has_connection = false;
        wire->is_ended = wire->news.readable = wire->news.ended = true;
    }

    struct ManualClock final : Clock {
        TimeMs now_ms() const override { return now; }
        TimeMs now = 1'000'000;
    };

    // Edge-triggered: each piece of news once.
    struct WirePoller final : Poller {
        explicit WirePoller(BrokerRig& its_rig) : rig(its_rig) {}
        Result<void> add(int, std::uint64_t) override { return {}; }
        void remove(int) override {}
        std::span<const Readiness> wait(TimeMs) override {
            ready.clear();
            for (const Wire& one : rig.wires_) {
                if (one->poller != this || !one->has_news()) continue;
                ready.push_back(std::exchange(one->news, {.token = one->news.token}));
            }
            return ready;
        }
        void wake() override {}

        BrokerRig& rig;
        std::vector<Readiness> ready;
    };

    struct EverybodyMay final : Authorizer {
        Verdict ask(const Question&) override { return {}; }
    };

    struct NothingIsKept final : Store {
        bool add(std::string_view, const change::Any&) override { return false; }
        void commit(std::uint64_t) override {}
    };

    // One authorizer serves all cores: each core's desk numbers its questions apart from the
    // others' and gets the answers to them.
    struct Desk final : Authorizer, Authorizer::Listener {
        Desk(BrokerRig& its_rig, CoreId its_core) : rig(its_rig), core(its_core) {}

        Verdict ask(const Question& question) override {
            Question numbered = question;
            numbered.id = question.id * rig.cores() + core;
            return rig.authorizer_.ask(numbered);
        }
        void run(Authorizer::Listener& listener) override {
            rig.authorizer_.run(*this);
            for (const auto& [question, verdict] : std::exchange(answers, {}))
                listener.on_verdict(question, verdict);
        }
        void on_verdict(std::uint64_t question, const Verdict& verdict) override {
            rig.seats_[question % rig.cores()]->desk.answers.emplace_back(question / rig.cores(),
                                                                          verdict);
        }
        bool has_answers() const override {
            return !answers.empty() || rig.authorizer_.has_answers();
        }

        BrokerRig& rig;
        const CoreId core;
        std::vector<std::pair<std::uint64_t, Verdict>> answers;
    };

    struct Seat {
        Seat(BrokerRig& rig, CoreId id, Store& store)
            : poller(rig),
              core(id, poller, rig.clock_),
              desk(rig, id),
              broker(core, rig.commons_, desk, store) {}

        WirePoller poller;
        Core core;
        Desk desk;
        Broker broker;
    };

    std::uint32_t cores() const { return static_cast<std::uint32_t>(seats_.size()); }

    bool has_work() const {
        return std::any_of(seats_.begin(), seats_.end(),
                           [](const auto& seat) {
                               return seat->broker.has_work() || seat->broker.has_mail();
                           }) ||
               std::any_of(wires_.begin(), wires_.end(),
                           [](const Wire& wire) { return wire->has_news(); });
    }

    std::vector<Wire> wires_;
    ManualClock clock_;
    Commons commons_;
    EverybodyMay everybody_may_;
    NothingIsKept nothing_is_kept_;
    Authorizer& authorizer_;
    Random random_;
    std::vector<std::unique_ptr<Seat>> seats_;
};

}  // namespace starling
