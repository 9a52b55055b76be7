// The broker on BrokerRig: virtual wires, one thread.
#include <memory>
#include <utility>
#include <vector>

#include "broker/testing.h"
#include "tests/sim/authorizer.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

namespace starling {
namespace {

// Owner: its client.
class RigWire final : public Wire {
public:
    RigWire(BrokerRig& rig, std::size_t piece) : rig_(rig), wire_(rig.dial()) {
        wire_->piece = piece;
    }
    ~RigWire() override { RigWire::cut(0); }

    void send(Bytes bytes) override {
        append_bytes(wire_->to_broker, bytes);
        wire_->news.readable = true;
    }
    ByteVector take() override { return std::exchange(wire_->from_broker, {}); }
    void cut(std::size_t lost) override {
        drop_last(wire_->to_broker, lost);
        wire_->is_ended = wire_->news.readable = wire_->news.ended = true;
    }
    bool is_over() const override { return wire_->is_finished || !wire_->is_open; }
    void stall(bool is_stalled) override { rig_.set_room(wire_, is_stalled ? 0 : ~std::size_t{0}); }

private:
    BrokerRig& rig_;
    const BrokerRig::Wire wire_;
};

// Owner: the driver.
class RigWorld final : public World {
public:
    explicit RigWorld(const WorldShape& shape)
        : cores_(shape.cores),
          piece_(shape.piece),
          authorizer_(shape.rules, shape.seed),
          rig_(shape.options, {.cores = shape.cores, .seed = shape.seed}, &authorizer_,
               open_stores(shape)) {}

    std::unique_ptr<Wire> dial() override { return std::make_unique<RigWire>(rig_, piece_); }
    void turn() override { rig_.turn(); }
    void turn_some(unsigned turns) override { rig_.turn_some(turns); }
    void pass(TimeMs ms) override {
        now_ += ms;
        rig_.pass(ms);
    }
    TimeMs now() const override { return now_; }
    void stop() override { rig_.broker().stop(); }
    bool has_stopped() override {
        for (CoreId core = 0; core < cores_; ++core)
            if (!rig_.broker(core).is_stopped()) return false;
        return true;
    }
    std::string leftovers() override {
        return leftovers_of(rig_.commons()) + (kept_.is_empty() ? "" : " things in a store");
    }
    const Kept* kept() const override { return stores_.empty() ? nullptr : &kept_; }

private:
    std::vector<Store*> open_stores(const WorldShape& shape) {
        std::vector<Store*> stores;
        for (CoreId core = 0; shape.has_stores && core < shape.cores; ++core) {
            stores_.push_back(std::make_unique<SimStore>(kept_, shape.seed + 4 * core));
            stores.push_back(stores_.back().get());
        }
        return stores;
    }

    const CoreId cores_;
    const std::size_t piece_;
    SimAuthorizer authorizer_;
    Kept kept_;
    std::vector<std::unique_ptr<SimStore>> stores_;
    BrokerRig rig_;
    TimeMs now_ = 0;
};

}  // namespace

std::unique_ptr<World> make_rig_world(const WorldShape& shape) {
    return std::make_unique<RigWorld>(shape);
}

}  // namespace starling
