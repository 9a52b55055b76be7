// The broker on threads, as app/serve.cc seats it; only the clock is the driver's.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "base/random.h"
#include "tests/sim/seat.h"

namespace starling {
namespace {

// Moves when told. Owner: the driver moves it, all cores read.
class SharedClock final : public Clock {
public:
    TimeMs now_ms() const override { return now_.load(std::memory_order_acquire); }
    void pass(TimeMs ms) { now_.fetch_add(ms, std::memory_order_acq_rel); }

private:
    std::atomic<TimeMs> now_{1'000'000};
};

// Owner: the driver.
class ThreadWorld final : public World {
public:
    explicit ThreadWorld(const WorldShape& shape);
    ~ThreadWorld() override;

    std::unique_ptr<Wire> dial() override;
    void turn() override;
    void turn_some(unsigned turns) override;
    void pass(TimeMs ms) override;
    TimeMs now() const override { return now_; }
    void stop() override;
    bool has_stopped() override;
    std::string leftovers() override;

private:
    bool pass_on_all();
    void close_gate();
    bool is_quiet();

    const std::size_t piece_;
    Random random_;
    SharedClock clock_;
    TimeMs now_ = 0;
    Gate gate_;
    Commons commons_;
    Network network_;
    std::vector<std::unique_ptr<Seat>> seats_;
};

ThreadWorld::ThreadWorld(const WorldShape& shape)
    : piece_(shape.piece),
      random_(shape.seed),
      gate_(shape.cores),
      commons_(shape.options, {1, 2}, shape.cores) {
    for (CoreId core = 0; core < shape.cores; ++core)
        seats_.push_back(std::make_unique<Seat>(core, gate_, clock_, commons_, shape));
    for (const auto& seat : seats_) seat->start();
}

// Cores wake each other, so all end before any is destroyed.
ThreadWorld::~ThreadWorld() {
    close_gate();
    gate_.end();
    for (const auto& seat : seats_) seat->join();
}

std::unique_ptr<Wire> ThreadWorld::dial() {
    const Seat& seat = *seats_[random_.below(commons_.cores())];
    return std::make_unique<SocketWire>(network_, seat.door(), random_.below(4) == 0);
}

// The threads run until all of them sleep, as often as a look still finds something to do.
void ThreadWorld::turn() {
    std::size_t rounds = 0;
    bool is_quiet = false;
    do {
        STARLING_ASSERT(++rounds < 100'000);  // they never come to rest
        pass_on_all();
        for (const auto& seat : seats_) seat->poller().rouse();
        for (const auto& seat : seats_) seat->poller().await_sleep();
        close_gate();
        is_quiet = this->is_quiet();
        gate_.open();
    } while (!is_quiet || pass_on_all());
}

// Each wire hands over a piece at most.
void ThreadWorld::turn_some(unsigned turns) {
    for (; turns != 0; --turns) {
        for (SocketWire* wire : network_) wire->pass_on(piece_);
        seats_[random_.below(commons_.cores())]->poller().await_turn();
    }
}

void ThreadWorld::pass(TimeMs ms) {
    now_ += ms;
    close_gate();
    clock_.pass(ms);
    gate_.open();
    turn();
}

void ThreadWorld::stop() {
    close_gate();
    seats_.front()->broker().stop();
    gate_.open();
}

bool ThreadWorld::has_stopped() {
    close_gate();
    const bool has_stopped = std::all_of(
        seats_.begin(), seats_.end(), [](const auto& seat) { return seat->broker().is_stopped(); });
    gate_.open();
    return has_stopped;
}

// Each store has only what its own core has told it, so what is asked of them is little: nothing
// that could not be, and nothing in the end.
std::string ThreadWorld::leftovers() {
    std::string found = leftovers_of(commons_);
    close_gate();
    for (const auto& seat : seats_) {
        const Kept& kept = seat->kept();
        if (!kept.fault().empty()) found += " a store was told what cannot be: " + kept.fault();
        if (!kept.is_settled()) found += " a commit that has not ended";
        if (!kept.is_empty()) found += " things in a store";
    }
    gate_.open();
    return found;
}

bool ThreadWorld::pass_on_all() {
    bool has_passed = false;
    for (SocketWire* wire : network_) has_passed = wire->pass_on(~std::size_t{0}) || has_passed;
    return has_passed;
}

void ThreadWorld::close_gate() {
    gate_.close([&] {
        for (const auto& seat : seats_) seat->poller().wake();
    });
}

// Whether no core has anything to do or finds anything, in two rounds: what a timer begins in one
// shows in the next. REQUIRES: the gate is closed.
bool ThreadWorld::is_quiet() {
    const auto has_work = [](const auto& seat) { return seat->has_work(); };
    const auto finds_work = [](const auto& seat) { return seat->finds_work(); };
    for (int round = 0; round < 2; ++round)
        if (std::any_of(seats_.begin(), seats_.end(), has_work) ||
            std::any_of(seats_.begin(), seats_.end(), finds_work))
            return false;
    return std::none_of(seats_.begin(), seats_.end(), has_work);
}

}  // namespace

std::unique_ptr<World> make_thread_world(const WorldShape& shape) {
    return std::make_unique<ThreadWorld>(shape);
}

}  // namespace starling
