// What packets cost on their way through the codec.
#include <array>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/counted.h"
#include "mqtt/encode.h"
#include "mqtt/testing.h"
#include "mqtt/topic.h"

namespace starling {
namespace {

constexpr std::size_t kCalls = 1'000;

// A whole packet in the receive buffer. Owner: its benchmark.
class Packet {
public:
    explicit Packet(const char* notation) : bytes_(wire(notation)) {}

    // The compiler may not know what lies there.
    Bytes bytes() const {
        benchmark::DoNotOptimize(bytes_.data());
        benchmark::ClobberMemory();
        return bytes_;
    }
    Frame frame() const { return *next_frame(bytes(), kPacketBytesMax); }

private:
    ByteVector bytes_;
};

constexpr const char* kPlain = "30 [('sensors/42/temperature') '21.5']";
constexpr const char* kNoProperties = "30 [('sensors/42/temperature') [] '21.5']";
constexpr const char* kFewProperties =
    "32 [('sensors/42/temperature') 0001 [01 01 02 0000003C 03 ('text/plain')] '21.5']";
constexpr const char* kNotAscii = "30 [(73C3A96E736F72732F3432 'temp' C3A9 'rature') '21.5']";
constexpr const char* kConnect = "10 [('MQTT') 04 C2 003C ('device-42') ('user') ('password')]";
constexpr const char* kConnect5 =
    "10 [('MQTT') 05 C2 003C [11 0000003C 21 0014] ('device-42') ('user') ('password')]";
constexpr const char* kSubscribe = "82 [0001 ('site/42/+/state') 01 ('site/42/command') 01]";

void frame(benchmark::State& state) {
    const Packet packet(kPlain);
    count(state, kCalls, [&](std::size_t) {
        benchmark::DoNotOptimize(next_frame(packet.bytes(), kPacketBytesMax));
    });
}
BENCHMARK(frame)->Name("counted/next_frame");

void decode(benchmark::State& state, const char* notation, Version version) {
    const Packet packet(notation);
    const Frame whole = packet.frame();
    count(state, kCalls, [&](std::size_t) {
        packet.bytes();
        benchmark::DoNotOptimize(decode_publish(whole, version, Sender::Client));
    });
}
BENCHMARK_CAPTURE(decode, v4, kPlain, Version::V4)->Name("counted/decode_publish");
BENCHMARK_CAPTURE(decode, other, kNotAscii, Version::V4)->Name("counted/decode_publish_not_ascii");
BENCHMARK_CAPTURE(decode, v5, kNoProperties, Version::V5)->Name("counted/decode_publish_v5");
BENCHMARK_CAPTURE(decode, few, kFewProperties, Version::V5)
    ->Name("counted/decode_publish_v5_properties");

// The other packets of a busy connection, and those that begin one.
template <typename Decode>
void decode_other(benchmark::State& state, const char* notation, Decode decode_one) {
    const Packet packet(notation);
    const Frame whole = packet.frame();
    count(state, kCalls, [&](std::size_t) {
        packet.bytes();
        benchmark::DoNotOptimize(decode_one(whole));
    });
}
BENCHMARK_CAPTURE(decode_other, connect, kConnect, decode_connect)->Name("counted/decode_connect");
BENCHMARK_CAPTURE(decode_other, connect5, kConnect5, decode_connect)
    ->Name("counted/decode_connect_v5");
BENCHMARK_CAPTURE(decode_other, subscribe, kSubscribe, [](const Frame& whole) {
    return decode_subscribe(whole, Version::V4);
})->Name("counted/decode_subscribe");
BENCHMARK_CAPTURE(decode_other, ack, "40 [0001]", [](const Frame& whole) {
    return decode_ack(whole, Version::V5);
})->Name("counted/decode_ack");

void write_head(benchmark::State& state, PublishHead head) {
    head.topic = "sensors/42/temperature";
    head.payload_size = 4;
    std::array<std::byte, 128> out;
    count(state, kCalls, [&](std::size_t) {
        benchmark::DoNotOptimize(head);
        benchmark::DoNotOptimize(publish_size(head));
        benchmark::DoNotOptimize(write_publish_head(head, out.data()));
        benchmark::ClobberMemory();
    });
}
BENCHMARK_CAPTURE(write_head, v4, {})->Name("counted/write_publish_head");
BENCHMARK_CAPTURE(write_head, v5,
                  {.version = Version::V5,
                   .qos = Qos::AtLeastOnce,
                   .packet_id = 1,
                   .topic_alias = 1,
                   .expiry_interval_s = 60})
    ->Name("counted/write_publish_head_v5_properties");

void ack(benchmark::State& state) {
    ByteVector out;
    count(state, kCalls, [&](std::size_t) {
        out.clear();
        encode_ack(out, Version::V5, PacketType::Puback, 1, Reason::Success);
        benchmark::DoNotOptimize(out.data());
    });
}
BENCHMARK(ack)->Name("counted/encode_ack");

void match(benchmark::State& state, std::string_view filter) {
    const std::string_view topic = "sensors/42/temperature";
    count(state, kCalls, [&](std::size_t) {
        benchmark::DoNotOptimize(filter.data());
        benchmark::DoNotOptimize(matches(filter, topic));
    });
}
BENCHMARK_CAPTURE(match, exact, "sensors/42/temperature")->Name("counted/matches_exact");
BENCHMARK_CAPTURE(match, wildcard, "sensors/+/temperature")->Name("counted/matches_wildcard");

}  // namespace
}  // namespace starling
