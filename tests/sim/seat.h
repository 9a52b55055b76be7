// One core of the broker on its thread, under the eyes of a driver.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

#include "broker/broker.h"
#include "reactor/core.h"
#include "reactor/epoll_poller.h"
#include "storage/memory_store.h"
#include "tests/sim/authorizer.h"
#include "tests/sim/gate.h"
#include "tests/sim/socket_wire.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

namespace starling {

// Tells when the core sleeps, and lets it not while the gate is closed: then it is the driver that
// turns. Owner: as the inner poller.
class WatchedPoller final : public Poller {
public:
    explicit WatchedPoller(const Gate& gate)
        : gate_(gate),
          inner_(std::move(*EpollPoller::open())) {}

    Result<void> add(int descriptor, std::uint64_t token) override {
        return inner_->add(descriptor, token);
    }
    void remove(int descriptor) override { inner_->remove(descriptor); }
    std::span<const Readiness> wait(TimeMs timeout_ms) override {
        const bool sleeps = timeout_ms != 0 && !gate_.is_closed();
        note([&] {
            ++waits_;
            is_asleep_ = sleeps;
        });
        const std::span<const Readiness> ready = inner_->wait(sleeps ? timeout_ms : 0);
        if (sleeps) note([&] { is_asleep_ = false; });
        had_news_ = !ready.empty();
        return ready;
    }
    void wake() override { inner_->wake(); }

    // Wakes the core, so that await_sleep() returns when it sleeps again.
    void rouse() {
        note([&] { is_asleep_ = false; });
        wake();
    }
    void await_sleep() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return is_asleep_ || has_retired_; });
    }

    // Until a turn has ended.
    void await_turn() {
        std::unique_lock lock(mutex_);
        const std::uint64_t before = waits_;
        wake();
        changed_.wait(lock, [&] { return waits_ != before || has_retired_; });
    }

    // Its thread ends.
    void retire() {
        note([&] { has_retired_ = true; });
    }

    // The last wait() had something to report.
    bool had_news() const { return had_news_; }

private:
    template <typename Change>
    void note(Change change) {
        const std::lock_guard lock(mutex_);
        change();
        changed_.notify_one();
    }

    const Gate& gate_;
    const std::unique_ptr<EpollPoller> inner_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t waits_ = 0;
    bool is_asleep_ = false;
    bool has_retired_ = false;
    bool had_news_ = false;  // of whoever turns the core
};

// One core and its thread. Owner: the world; while the gate is open its thread, but for the first
// part.
class Seat {
public:
    Seat(CoreId id, Gate& gate, const Clock& clock, Commons& commons, const WorldShape& shape)
        : gate_(gate),
          poller_(gate),
          core_(id, poller_, clock),
          authorizer_(shape.rules, shape.seed + 4 * id),
          store_(open_store(shape)),
          broker_(core_, commons, authorizer_, *store_) {
        const auto listening = broker_.listen(door_.source());
        STARLING_ASSERT(listening);
    }

    const Door& door() const { return door_; }
    WatchedPoller& poller() { return poller_; }
    void start() {
        thread_ = std::jthread([this] { run(); });
    }
    void join() { thread_.join(); }

    // REQUIRES: the gate is closed.
    Broker& broker() { return broker_; }
    bool has_work() const {
        return !broker_.is_stopped() && (broker_.has_work() || broker_.has_mail());
    }
    const Kept& kept() const { return kept_; }  // nothing, if it has no store
    // Whether a turn finds something to do.
    bool finds_work() {
        if (broker_.is_stopped()) return false;
        core_.turn(broker_);
        return poller_.had_news() || has_work();
    }

private:
    std::unique_ptr<Store> open_store(const WorldShape& shape) {
        if (!shape.has_stores) return std::make_unique<MemoryStore>();
        return std::make_unique<SimStore>(kept_, shape.seed + 4 * core_.id());
    }
    void run() {
        while (gate_.pass() && !broker_.is_stopped()) core_.turn(broker_);
        poller_.retire();
        gate_.leave();
    }

    Gate& gate_;
    Door door_;
    WatchedPoller poller_;
    Core core_;
    SimAuthorizer authorizer_;
    Kept kept_;  // by this core's store
    const std::unique_ptr<Store> store_;
    Broker broker_;
    std::jthread thread_;
};

}  // namespace starling
