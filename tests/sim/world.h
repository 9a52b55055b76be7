// The broker under test and its virtual network. Only this file knows how the rig is driven.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/random.h"
#include "broker/testing.h"

namespace starling {

// Allows everything; some answers come late and in another order. Owner: the world.
class LateAuthorizer final : public Authorizer {
public:
    // So many of a hundred questions are answered later.
    LateAuthorizer(std::uint64_t seed, unsigned percent) : random_(seed), percent_(percent) {}

    Verdict ask(const Question& question) override {
        if (random_.below(100) >= percent_) return {};
        open_.push_back(question.id);
        return {.kind = Verdict::Kind::Later};
    }
    void run(Listener& listener) override {
        if (open_.empty() || random_.below(2) == 0) return;
        std::swap(open_[random_.below(static_cast<std::uint32_t>(open_.size()))], open_.back());
        const std::uint64_t question = open_.back();
        open_.pop_back();
        listener.on_verdict(question, {});
    }
    bool has_answers() const override { return !open_.empty(); }

private:
    Random random_;
    const unsigned percent_;
    std::vector<std::uint64_t> open_;
};

// Owner: the driver.
class World {
public:
    using Wire = BrokerRig::Wire;

    // The broker reads `piece` bytes at a time.
    World(const BrokerOptions& options, CoreId cores, std::uint64_t seed, std::size_t piece)
        : authorizer_(seed, seed % 4 == 0 ? 30 : 0),
          rig_(options, {.cores = cores, .seed = seed}, &authorizer_),
          piece_(piece) {}

    // Arrives at any core.
    Wire dial() {
        Wire wire = rig_.dial();
        wire->piece = piece_;
        return wire;
    }

    // Hands bytes to the network; the broker sees them in a later turn.
    static void send(const Wire& wire, Bytes bytes) {
        append_bytes(wire->to_broker, bytes);
        wire->news.readable = true;
    }

    // What the broker has written since.
    static ByteVector take(const Wire& wire) { return std::exchange(wire->from_broker, {}); }

    // The network breaks; of what the client sent, the broker still gets all but `lost` bytes.
    static void cut(const Wire& wire, std::size_t lost) {
        wire->to_broker.resize(wire->to_broker.size() - std::min(lost, wire->to_broker.size()));
        wire->is_ended = wire->news.readable = wire->news.ended = true;
    }

    // The broker will write no more there.
    static bool is_over(const Wire& wire) { return wire->is_finished || !wire->is_open; }

    // While a wire is stalled, the broker can write nothing to it.
    void stall(const Wire& wire, bool is_stalled) {
        rig_.set_room(wire, is_stalled ? 0 : ~std::size_t{0});
    }

    // Until nothing is left to do.
    void turn() { rig_.turn(); }

    // Some turns of some cores; work may be left under way.
    void turn_some(unsigned turns) { rig_.turn_some(turns); }

    void pass(TimeMs ms) {
        now_ += ms;
        rig_.pass(ms);
    }
    TimeMs now() const { return now_; }

private:
    LateAuthorizer authorizer_;
    BrokerRig rig_;
    const std::size_t piece_;
    TimeMs now_ = 0;
};

}  // namespace starling
