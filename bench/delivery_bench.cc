// What a message costs the broker on its way from one client to others: a virtual clock, streams
// in memory. Under callgrind the streams are left out, see bench/instructions.
#include <algorithm>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/counted.h"
#include "broker/testing.h"

namespace starling {
namespace {

// "site/7/temperature" and 16 bytes, at QoS 0 and 1.
constexpr const char* kPublish = "30 [('site/7/temperature') '0123456789abcdef']";
constexpr const char* kPublish5 = "30 [('site/7/temperature') [] '0123456789abcdef']";
constexpr const char* kPublishQos1 = "32 [('site/7/temperature') 0001 '0123456789abcdef']";

struct Case {
    std::size_t subscribers = 0;
    std::size_t messages = 1;  // that arrive in one turn
    const char* publish = kPublish;
    Version version = Version::V4;
    int qos = 0;       // of the subscriptions
    CoreId cores = 1;  // 2: the publisher at home on one, the subscribers on the other
};

// A publisher and its subscribers.
class Stage {
public:
    explicit Stage(const Case& shape)
        : shape_(shape),
          rig_(BrokerRig::quiet(), {.cores = shape.cores}) {
        publisher_ = dial(0);
        for (std::size_t i = 0; i < shape.subscribers; ++i) subscribe();
    }

    // So many messages of the publisher arrive.
    void send() {
        for (std::size_t i = 0; i < shape_.messages; ++i) rig_.send(publisher_, shape_.publish);
    }

    // Clients take what has come to them and acknowledge it.
    void settle() {
        publisher_->from_broker.clear();
        for (const auto& one : subscribers_) {
            for (std::size_t i = 0; i < shape_.messages && shape_.qos != 0; ++i)
                rig_.send(one, "40 [" + hex_of(++packet_id_) + "]");
            one->from_broker.clear();
        }
        rig_.turn();
    }
    BrokerRig& rig() { return rig_; }
    std::size_t received() const {
        return subscribers_.empty() ? 0 : subscribers_[0]->from_broker.size();
    }

private:
    bool is_v5() const { return shape_.version == Version::V5; }

    // A client at home on this core.
    BrokerRig::Wire dial(CoreId home) {
        do ++last_id_;
        while (rig_.commons().home_of(std::to_string(last_id_)) != home);
        const auto wire = rig_.dial(home);
        rig_.say(wire, (is_v5() ? "10 [('MQTT') 05 02 0000 [] ('" : "10 [('MQTT') 04 02 0000 ('") +
                           std::to_string(last_id_) + "')]");
        return wire;
    }
    void subscribe() {
        subscribers_.push_back(dial(static_cast<CoreId>(shape_.cores - 1)));
        const std::string qos = shape_.qos == 0 ? "00]" : "01]";
        rig_.say(subscribers_.back(), (is_v5() ? "82 [0001 [] ('site/7/temperature') "
                                               : "82 [0001 ('site/7/temperature') ") +
                                          qos);
    }
    static std::string hex_of(std::uint16_t id) {
        const std::byte bytes[] = {std::byte(id >> 8), std::byte(id & 0xFF)};
        return BrokerRig::hex(Bytes(bytes));
    }

    const Case shape_;
    BrokerRig rig_;
    BrokerRig::Wire publisher_;
    std::vector<BrokerRig::Wire> subscribers_;
    unsigned last_id_ = 0;
    std::uint16_t packet_id_ = 0;  // of the deliveries to the only subscriber above QoS 0
};

// Mail goes to the other core and its answer comes back.
[[gnu::noinline]] void counted_turns(BrokerRig& rig, CoreId cores) {
    rig.turn_core(0);
    if (cores == 1) return;
    rig.turn_core(1);
    rig.turn_core(0);
}

// Counts deliveries or, when nobody subscribes, messages.
void deliver(benchmark::State& state, const Case& shape) {
    Stage stage(shape);
    for (int warm = 0; warm < 3; ++warm) {
        stage.send();
        stage.rig().turn();
        stage.settle();
    }
    std::size_t bytes = 0;
    for (auto _ : state) {
        state.PauseTiming();
        stage.send();
        state.ResumeTiming();
        counted_turns(stage.rig(), shape.cores);
        state.PauseTiming();
        bytes = stage.received();
        stage.settle();
        state.ResumeTiming();
    }
    const std::size_t each = shape.messages * std::max<std::size_t>(shape.subscribers, 1);
    report_counted(state, each);
    state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(shape.messages);
}
BENCHMARK_CAPTURE(deliver, plain, {.subscribers = 1'000})
    ->Name("counted/fan_out_1_to_1000")
    ->Iterations(20);
BENCHMARK_CAPTURE(deliver, burst, {.subscribers = 1'000, .messages = 4})
    ->Name("counted/fan_out_1_to_1000_4_at_once")
    ->Iterations(20);
BENCHMARK_CAPTURE(deliver, v5, {.subscribers = 1'000, .publish = kPublish5, .version = Version::V5})
    ->Name("counted/fan_out_1_to_1000_v5")
    ->Iterations(20);
BENCHMARK_CAPTURE(deliver, pair, {.subscribers = 1})->Name("counted/one_to_one")->Iterations(500);
BENCHMARK_CAPTURE(deliver, receive, {.messages = 500})
    ->Name("counted/receive_qos_0")
    ->Iterations(20);
BENCHMARK_CAPTURE(deliver, receive_qos1, {.messages = 500, .publish = kPublishQos1})
    ->Name("counted/receive_qos_1")
    ->Iterations(20);

BENCHMARK_CAPTURE(deliver, pair_qos_0, {.subscribers = 1, .messages = 100})
    ->Name("counted/pair_qos_0")
    ->Iterations(50);
BENCHMARK_CAPTURE(deliver, pair_qos_0_two_cores, {.subscribers = 1, .messages = 100, .cores = 2})
    ->Name("counted/pair_qos_0_two_cores")
    ->Iterations(50);
BENCHMARK_CAPTURE(deliver, pair_qos_1,
                  {.subscribers = 1, .messages = 100, .publish = kPublishQos1, .qos = 1})
    ->Name("counted/pair_qos_1")
    ->Iterations(50);
BENCHMARK_CAPTURE(
    deliver, pair_qos_1_two_cores,
    {.subscribers = 1, .messages = 100, .publish = kPublishQos1, .qos = 1, .cores = 2})
    ->Name("counted/pair_qos_1_two_cores")
    ->Iterations(50);

}  // namespace
}  // namespace starling
