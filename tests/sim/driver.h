// Plays one run: seeded random clients against the broker, under the eyes of the model.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/sim/client.h"

namespace starling {

struct SimOptions {
    std::uint64_t seed = 0;
    unsigned steps = 500;
    bool is_loud = false;  // tells everything on stderr
    std::unique_ptr<World> (*make_world)(const WorldShape&) = make_rig_world;
};

struct SimOutcome {
    std::string failure;  // empty: all went well
    std::string story;    // the end of the run, for a failure
    unsigned deliveries = 0;
};

// In the world of the rig the whole run follows from the options.
SimOutcome simulate(const SimOptions& options);

// Owner: simulate().
class Driver {
public:
    explicit Driver(const SimOptions& options);

    void run(unsigned steps);
    SimOutcome outcome() const;

private:
    static WorldShape some_shape(std::uint64_t seed, Random& random);
    static BrokerOptions some_options(Random& random);

    bool chance(unsigned percent) { return random_.below(100) < percent; }
    template <typename T>
    const T& one_of(const std::vector<T>& choices) {
        return choices[random_.below(static_cast<std::uint32_t>(choices.size()))];
    }
    SimClient& any_client() {
        return clients_[random_.below(static_cast<std::uint32_t>(clients_.size()))];
    }

    // One step: its actions, then turns until nothing is left to do, then the judgement.
    void step(unsigned number);
    void probe_group();
    void probe_retained();
    void quiet_down();
    void hear_all();
    void pass_time();
    void hop(TimeMs ms);

    void finish();
    void come_back();
    void undo_everything();
    void clear_retained(SimClient& keeper);
    void stop();

    // What a client may do in a step. `has_moved`: its connection has changed in this step.
    void act(SimClient& client, std::vector<bool>& has_moved);
    void act_connected(SimClient& client, bool may_move);
    void connect(SimClient& client);
    void knock(SimClient& client);
    void subscribe(SimClient& client);
    void unsubscribe(SimClient& client);
    void publish(SimClient& client);
    void leave(SimClient& client);
    SimConnect some_terms(const SimClient& client);
    ModelMessage some_message(const SimClient& client);
    SimSubscribe some_subscription(const SimClient& client, std::uint32_t identifier);

    Random random_;
    Trace trace_;
    const WorldShape shape_;
    const std::unique_ptr<World> world_;
    Model model_;
    std::deque<SimClient> clients_;
};

}  // namespace starling
