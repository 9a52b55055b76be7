// What a message costs to make, and to be put into an outbox and written from it.
#include <array>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/counted.h"
#include "broker/outbox.h"

namespace starling {
namespace {

MessageParts parts_of(const std::string& payload) {
    MessageParts parts;
    parts.topic = {"site/7/temperature"};
    parts.payload = as_bytes(payload);
    return parts;
}

void make(benchmark::State& state) {
    const std::string payload(16, 'x');
    const MessageParts parts = parts_of(payload);
    count(state, 1'000, [&](std::size_t) { benchmark::DoNotOptimize(Message::make(parts)); });
}
BENCHMARK(make)->Name("counted/message_make");

// The end of a turn: the stream takes everything.
void write_all(Outbox& outbox) {
    std::array<iovec, 64> pieces;
    benchmark::DoNotOptimize(outbox.gather(pieces));
    benchmark::ClobberMemory();
    outbox.take(outbox.untaken());
    outbox.release(0);
}

// So many ready frames in each turn.
void frames(benchmark::State& state) {
    const std::string payload(16, 'x');
    const auto message = Message::make(parts_of(payload));
    const auto at_once = static_cast<std::size_t>(state.range(0));
    Outbox outbox;
    count(state, 100, [&](std::size_t) {
        for (std::size_t i = 0; i < at_once; ++i) outbox.append(message->plain_frame());
        write_all(outbox);
    });
}
BENCHMARK(frames)->Name("counted/outbox_turn_of_1")->Arg(1);
BENCHMARK(frames)->Name("counted/outbox_turn_of_100")->Arg(100);

// A payload that is shared with its message.
void shared(benchmark::State& state) {
    const std::string payload(4096, 'x');
    const auto message = Message::make(parts_of(payload));
    Outbox outbox;
    count(state, 1'000, [&](std::size_t) {
        outbox.append(message->plain_frame().first(24));
        outbox.append_payload(message);
        write_all(outbox);
    });
}
BENCHMARK(shared)->Name("counted/outbox_shared_payload");

}  // namespace
}  // namespace starling
