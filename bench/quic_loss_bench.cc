// How late messages come over QUIC when datagrams are lost: on the tests' virtual network, where
// only the protocol takes time. A message every 5 ms, 10 ms away. Milliseconds of virtual time.
#include <algorithm>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "transport/quic/testing.h"

namespace starling::quic {
namespace {

constexpr std::uint32_t kMessages = 20'000;
constexpr std::size_t kMessageBytes = 64;
constexpr TimeNs kDistance = 5 * kMillisecond;  // between two messages
constexpr TimeNs kOneWay = 10 * kMillisecond;

// Messages of one client, each sent when it is due, to the streams in turn. Owner: a benchmark.
class Course {
public:
    Course(std::uint32_t loss_percent, std::uint32_t streams) : rig_(QuicRig::Setup{}) {
        rig_.network.weather.delay = kOneWay;
        const Handle client = rig_.connect();
        rig_.run_until([&] { return rig_.client(client)->phase() == QuicConnection::Phase::Open; });
        rig_.run_for(kSecond);
        for (std::uint32_t i = 0; i < streams; ++i)
            sides_.push_back(
                {std::make_unique<QuicStream>(rig_.clients(), *rig_.client(client)->open_stream()),
                 ByteVector{}});
        rig_.network.weather.loss_percent = loss_percent;
    }

    // How long each was on its way, in order.
    std::vector<TimeNs> run() {
        const TimeNs begin = rig_.network.now;
        for (std::uint32_t number = 0; number < kMessages; ++number) {
            const TimeNs due = begin + number * kDistance;
            rig_.run_until([&] { return hear(), false; }, due - rig_.network.now);
            sent_.push_back(rig_.network.now);
            say(sides_[number % sides_.size()], number);
        }
        rig_.run_until([&] { return hear(), taken_.size() == kMessages; });
        std::ranges::sort(taken_);
        return taken_;
    }

private:
    // A stream as its client has it, with what it has not taken yet.
    struct Side {
        std::unique_ptr<QuicStream> stream;
        ByteVector waiting;

        void write() {
            if (waiting.empty()) return;
            const iovec piece{waiting.data(), waiting.size()};
            const auto written = stream->write({&piece, 1});
            STARLING_ASSERT(written);
            waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(*written));
        }
    };

    static void say(Side& side, std::uint32_t number) {
        std::array<std::byte, kMessageBytes> message{};
        store_u32(message.data(), number);
        side.waiting.insert(side.waiting.end(), message.begin(), message.end());
        side.write();
    }

    void hear() {
        while (auto stream = rig_.take_server_stream())
            heard_.push_back({std::move(stream), ByteVector{}});
        for (Side& side : sides_) side.write();
        for (Heard& one : heard_) {
            std::array<std::byte, 4096> piece;
            while (const auto answer = one.stream->read(piece)) {
                one.bytes.insert(one.bytes.end(), piece.begin(),
                                 piece.begin() + static_cast<std::ptrdiff_t>(answer->bytes));
                if (answer->bytes == 0) break;
            }
            std::size_t at = 0;
            for (; one.bytes.size() - at >= kMessageBytes; at += kMessageBytes)
                taken_.push_back(rig_.network.now - sent_[load_u32(one.bytes.data() + at)]);
            one.bytes.erase(one.bytes.begin(), one.bytes.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }

    struct Heard {
        std::unique_ptr<QuicStream> stream;
        ByteVector bytes;
    };

    QuicRig rig_;
    std::vector<Side> sides_;
    std::vector<Heard> heard_;
    std::vector<TimeNs> sent_;
    std::vector<TimeNs> taken_;
};

void message_latency(benchmark::State& state) {
    std::vector<TimeNs> latencies;
    for (auto _ : state)
        latencies = Course(static_cast<std::uint32_t>(state.range(0)),
                           static_cast<std::uint32_t>(state.range(1)))
                        .run();
    const auto at = [&](double share) {
        const auto place = static_cast<std::size_t>(share * double(latencies.size() - 1));
        return double(latencies[place]) / double(kMillisecond);
    };
    state.counters["p50_ms"] = at(0.50);
    state.counters["p90_ms"] = at(0.90);
    state.counters["p99_ms"] = at(0.99);
    state.counters["max_ms"] = at(1.00);
}
BENCHMARK(message_latency)
    ->ArgNames({"loss_percent", "streams"})
    ->ArgsProduct({{0, 1, 5}, {1, 4}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace starling::quic
