// What QUIC costs: a handshake, a message, a packet's protection, an idle connection, its parking
// and its move to another core.
#include <malloc.h>

#include <benchmark/benchmark.h>

#include "bench/counted.h"
#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

QuicRig::Setup roomy(std::uint32_t windows, CoreId cores = 1) {
    QuicRig::Setup setup{.windows = windows, .cores = cores};
    setup.options.half_open = setup.options.retry_from = 1'000'000;
    setup.options.half_open_per_network = 10'000'000;
    return setup;
}

bool is_ready(QuicRig& rig, Handle handle) {
    QuicConnection* client = rig.client(handle);
    return client && client->is_tls_free();
}

// A client with one stream, on which a message has been echoed: as a subscriber is, at rest.
struct Idle {
    std::unique_ptr<QuicStream> client, server;
};

Idle make_idle(QuicRig& rig, Bytes ticket) {
    const Handle handle = rig.connect(ticket);
    rig.run_until([&] { return is_ready(rig, handle); });
    rig.client(handle)->take_souvenirs();
    Idle idle{std::make_unique<QuicStream>(rig.clients(), *rig.client(handle)->open_stream()), {}};
    return idle;
}

std::size_t echo(QuicRig& rig, Idle& idle) {
    char text[64] = "hello";
    std::byte heard[64];
    const iovec piece{text, sizeof text};
    (void)idle.client->write({&piece, 1});
    rig.run_until([&] { return idle.server || (idle.server = rig.take_server_stream()); });
    std::size_t bytes = 0;
    rig.run_until([&] { return (bytes = idle.server->read(heard)->bytes) != 0; });
    (void)idle.server->write({&piece, 1});
    rig.run_until([&] { return (bytes = idle.client->read(heard)->bytes) != 0; });
    return bytes;
}

// Bytes of an idle connection: its blob on either side, and the heap of both together.
void memory_idle(benchmark::State& state) {
    const auto connections = static_cast<std::size_t>(state.range(0));
    for (auto _ : state) {
        QuicRig rig(roomy(state.range(1) != 0 ? 16 : 4'000));
        const ByteVector ticket;
        std::vector<Idle> idle;
        idle.reserve(connections);
        for (std::size_t i = 0; i < 100; ++i) {  // templates are learned, buffers have grown
            idle.push_back(make_idle(rig, ticket));
            echo(rig, idle.back());
        }
        rig.run_for(100 * kSecond);
        const struct mallinfo2 before = ::mallinfo2();
        const std::size_t first = idle.size();
        while (idle.size() < connections) {
            idle.push_back(make_idle(rig, ticket));
            echo(rig, idle.back());
        }
        rig.run_for(100 * kSecond);
        const struct mallinfo2 after = ::mallinfo2();
        const auto per_connection = [&](std::uint64_t bytes) {
            return static_cast<double>(bytes) / static_cast<double>(connections - first);
        };
        const auto blob = [](QuicEndpoint& endpoint) {
            const auto& counts = endpoint.windows().counts();
            return counts.parked == 0 ? 0.0
                                      : static_cast<double>(counts.blob_bytes) /
                                            static_cast<double>(counts.parked);
        };
        state.counters["heap_both"] = per_connection(after.uordblks - before.uordblks);
        state.counters["blob_server"] = blob(rig.server());
        state.counters["blob_client"] = blob(rig.clients());
        for (Idle& one : idle) one.server.release();  // goes with its server
        const struct mallinfo2 full = ::mallinfo2();
        rig.restart_server(true);
        state.counters["server_total"] =
            static_cast<double>(full.uordblks - ::mallinfo2().uordblks);
    }
    state.counters["sizeof_connection"] = sizeof(QuicConnection);
    state.counters["sizeof_stream"] = sizeof(QuicStream) + sizeof(StreamState);
}
BENCHMARK(memory_idle)
    ->Args({1'000, 1})
    ->Args({3'000, 1})
    ->Args({1'000, 0})
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

// Both sides, in one thread: from nothing, with a ticket, and with 64 bytes of early data.
enum class From : std::int64_t { Nothing, Ticket, EarlyData };

void handshake(benchmark::State& state) {
    const auto from = static_cast<From>(state.range(0));
    QuicRig rig(roomy(256));
    QuicConnection::Souvenirs left;
    if (from != From::Nothing) {
        const Handle first = rig.connect();
        rig.run_until([&] { return is_ready(rig, first); });
        left = rig.client(first)->take_souvenirs();
    }
    if (from != From::EarlyData) left.limits.clear();
    char text[64] = "hello";
    const iovec piece{text, sizeof text};
    for (auto _ : state) {
        const Handle handle = rig.come_again(left);
        std::unique_ptr<QuicStream> stream, heard;
        if (from == From::EarlyData) {
            stream =
                std::make_unique<QuicStream>(rig.clients(), *rig.client(handle)->open_stream());
            (void)stream->write({&piece, 1});
        }
        rig.run_until([&] { return is_ready(rig, handle); });
        heard = rig.take_server_stream();
        rig.client(handle)->close(0);
        rig.run_for(5 * kSecond);
    }
    state.counters["early"] =
        static_cast<double>(rig.server().counters()[QuicCount::EarlyAccepted]);
}
BENCHMARK(handshake)->Arg(0)->Arg(1)->Arg(2)->ArgName("from")->Unit(benchmark::kMicrosecond);

// Connections at rest, each after a message.
std::vector<Idle> make_many(QuicRig& rig, int count) {
    std::vector<Idle> idle;
    for (int i = 0; i < count; ++i) {
        idle.push_back(make_idle(rig, Bytes{}));
        echo(rig, idle.back());
    }
    rig.run_for(100 * kSecond);
    return idle;
}

// A message of 64 bytes there and back: both sides, with the timers that follow from it.
void echo_message(benchmark::State& state) {
    QuicRig rig(roomy(state.range(0) != 0 ? 1 : 64));
    auto idle = make_many(rig, 20);
    const std::uint64_t loads = rig.server().windows().counts().loads;
    std::size_t next = 0;
    for (auto _ : state) benchmark::DoNotOptimize(echo(rig, idle[next++ % idle.size()]));
    state.counters["loads"] =
        benchmark::Counter(static_cast<double>(rig.server().windows().counts().loads - loads),
                           benchmark::Counter::kAvgIterations);
}
BENCHMARK(echo_message)->Arg(0)->Arg(1)->ArgName("parked")->Unit(benchmark::kMicrosecond);

// One connection leaves its window to another: parking the one and unpacking the other.
void park_and_load(benchmark::State& state) {
    QuicRig rig(roomy(1));
    const auto idle = make_many(rig, 30);
    count(state, idle.size(),
          [&](std::size_t index) { idle[index].server->connection()->flush(); });
}
BENCHMARK(park_and_load)->Name("counted/park_and_load")->Unit(benchmark::kMicrosecond);

// The core that a connection is not on, of two.
CoreId other_core(QuicRig& rig, const Idle& idle) {
    const QuicConnection* connection = idle.server->connection();
    return rig.server(0).find(connection->self()) == connection ? CoreId{1} : CoreId{0};
}

// A connection goes to the other core, from its window or from where it is parked, and is used
// there: packing, unpacking, and the mail that says where it is.
void move_connection(benchmark::State& state) {
    QuicRig rig(roomy(state.range(0) != 0 ? 1 : 512, 2));
    auto idle = make_many(rig, static_cast<int>(state.max_iterations));
    std::size_t next = 0;
    std::uint64_t bytes = 0;
    for (auto _ : state) {
        Idle& one = idle[next++];
        const CoreId to = other_core(rig, one);
        one.server->detach();
        bytes += one.server->connection()->moving_bytes();
        (void)one.server->attach(rig.poller(to), 0);
        rig.server(to).flush();
        rig.carry_mail();
    }
    state.counters["bytes"] =
        benchmark::Counter(static_cast<double>(bytes), benchmark::Counter::kAvgIterations);
}
BENCHMARK(move_connection)
    ->Arg(0)
    ->Arg(1)
    ->ArgName("parked")
    ->Iterations(400)
    ->Unit(benchmark::kMicrosecond);

// The echo of a connection that has not moved, and of one whose datagrams are forwarded. What wakes
// the other core's thread comes on top.
void echo_forwarded(benchmark::State& state) {
    QuicRig rig(roomy(64, 2));
    auto idle = make_many(rig, 20);
    if (state.range(0) != 0)
        for (Idle& one : idle) (void)rig.move(*one.server, other_core(rig, one));
    rig.run_for(100 * kSecond);
    const auto forwarded = [&] {
        return rig.server(0).counters()[QuicCount::Forwarded] +
               rig.server(1).counters()[QuicCount::Forwarded];
    };
    const std::uint64_t before = forwarded();
    std::size_t next = 0;
    for (auto _ : state) benchmark::DoNotOptimize(echo(rig, idle[next++ % idle.size()]));
    state.counters["forwarded"] = benchmark::Counter(static_cast<double>(forwarded() - before),
                                                     benchmark::Counter::kAvgIterations);
}
BENCHMARK(echo_forwarded)->Arg(0)->Arg(1)->ArgName("moved")->Unit(benchmark::kMicrosecond);

// The protection of a packet, with a cipher that is kept and with one made for it.
void seal_packet(benchmark::State& state) {
    PacketCiphers ciphers(4);
    const ByteVector header(20), nonce(kNonceBytes);
    ByteVector packet(static_cast<std::size_t>(state.range(0)) + kTagBytes);
    RawKey keys[64];
    for (std::size_t i = 0; i < std::size(keys); ++i) keys[i].bytes[0] = static_cast<std::byte>(i);
    const std::size_t used = state.range(1) != 0 ? 1 : std::size(keys);
    std::size_t next = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(ciphers.seal(keys[next++ % used], nonce, header,
                                              Bytes(packet).first(packet.size() - kTagBytes),
                                              packet.data()));
}
BENCHMARK(seal_packet)->ArgsProduct({{80, 1'200}, {0, 1}})->ArgNames({"bytes", "kept"});

}  // namespace
}  // namespace starling::quic
