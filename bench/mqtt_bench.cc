// What a PUBLISH costs on its way through the codec.
#include <array>
#include <string>

#include <benchmark/benchmark.h>

#include "mqtt/encode.h"
#include "mqtt/testing.h"
#include "mqtt/topic.h"

namespace starling {
namespace {

constexpr const char* kPlain = "30 [('sensors/42/temperature') '21.5']";
constexpr const char* kNoProperties = "30 [('sensors/42/temperature') [] '21.5']";
constexpr const char* kFewProperties =
    "32 [('sensors/42/temperature') 0001 [01 01 02 0000003C 03 ('text/plain')] '21.5']";
constexpr const char* kNotAscii = "30 [(73C3A96E736F72732F3432 'temp' C3A9 'rature') '21.5']";

void frame(benchmark::State& state) {
    const ByteVector packet = wire(kPlain);
    for (auto _ : state) {
        benchmark::DoNotOptimize(packet.data());
        benchmark::DoNotOptimize(next_frame(packet, kPacketBytesMax));
    }
}
BENCHMARK(frame)->Name("next_frame");

void decode(benchmark::State& state, const char* text, Version version) {
    const ByteVector packet = wire(text);
    const auto whole = next_frame(packet, kPacketBytesMax);
    for (auto _ : state) {
        benchmark::DoNotOptimize(packet.data());
        benchmark::DoNotOptimize(decode_publish(*whole, version, Sender::Client));
    }
}
BENCHMARK_CAPTURE(decode, v4, kPlain, Version::V4)->Name("decode_publish/v4");
BENCHMARK_CAPTURE(decode, not_ascii, kNotAscii, Version::V4)->Name("decode_publish/v4_not_ascii");
BENCHMARK_CAPTURE(decode, v5, kNoProperties, Version::V5)->Name("decode_publish/v5");
BENCHMARK_CAPTURE(decode, few, kFewProperties, Version::V5)->Name("decode_publish/v5_properties");

void write_head(benchmark::State& state, PublishHead head) {
    head.topic = "sensors/42/temperature";
    head.payload_size = 4;
    std::array<std::byte, 128> out;
    for (auto _ : state) {
        benchmark::DoNotOptimize(publish_size(head));
        benchmark::DoNotOptimize(write_publish_head(head, out.data()));
        benchmark::ClobberMemory();
    }
}
BENCHMARK_CAPTURE(write_head, v4, {})->Name("write_publish_head/v4");
BENCHMARK_CAPTURE(write_head, v5,
                  {.version = Version::V5,
                   .qos = Qos::AtLeastOnce,
                   .packet_id = 1,
                   .topic_alias = 1,
                   .expiry_interval_s = 60})
    ->Name("write_publish_head/v5_properties");

void ack(benchmark::State& state) {
    ByteVector out;
    for (auto _ : state) {
        out.clear();
        encode_ack(out, Version::V5, PacketType::Puback, 1, Reason::Success);
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(ack)->Name("encode_ack");

void match(benchmark::State& state, std::string_view filter) {
    const std::string_view topic = "sensors/42/temperature";
    for (auto _ : state) {
        benchmark::DoNotOptimize(filter.data());
        benchmark::DoNotOptimize(matches(filter, topic));
    }
}
BENCHMARK_CAPTURE(match, exact, "sensors/42/temperature")->Name("matches/exact");
BENCHMARK_CAPTURE(match, wildcard, "sensors/+/temperature")->Name("matches/wildcard");

}  // namespace
}  // namespace starling
