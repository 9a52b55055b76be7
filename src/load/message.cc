#include "load/message.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/assert.h"

namespace starling {
namespace {

using Json = nlohmann::json;

Json list_places(const Histogram& histogram) {
    Json places = Json::array();
    histogram.for_each([&](std::size_t place, std::uint64_t count) {
        places.push_back(place);
        places.push_back(count);
    });
    return places;
}

Json list_missing(const std::vector<Missing>& missing) {
    Json list = Json::array();
    for (const Missing& one : missing)
        list.push_back({one.receiver, one.topic, one.publisher, one.first, one.end});
    return list;
}

Missing missing_of(const Json& one) {
    return {
        .receiver = one[0], .topic = one[1], .publisher = one[2], .first = one[3], .end = one[4]};
}

}  // namespace

ByteVector pack(const WorkerReport& report) {
    const Tally& tally = report.tally;
    const auto packed = Json::to_cbor({{"news", static_cast<int>(report.news)},
                                       {"figures", tally.figures},
                                       {"places", list_places(tally.latency_ns)},
                                       {"most", tally.latency_ns.max()},
                                       {"missing", list_missing(tally.missing)},
                                       {"error", tally.first_error}});
    const auto* bytes = reinterpret_cast<const std::byte*>(packed.data());
    return {bytes, bytes + packed.size()};
}

WorkerReport unpack_report(Bytes bytes) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const Json packed = Json::from_cbor(begin, begin + bytes.size());
    WorkerReport report{.news = static_cast<WorkerNews>(packed["news"].get<int>()), .tally = {}};
    Tally& tally = report.tally;
    tally.figures = packed["figures"].get<decltype(tally.figures)>();
    const Json& places = packed["places"];
    for (std::size_t at = 0; at < places.size(); at += 2)
        tally.latency_ns.add(places[at], places[at + 1], packed["most"]);
    for (const Json& one : packed["missing"]) tally.missing.push_back(missing_of(one));
    tally.first_error = packed["error"];
    return report;
}

ByteVector pack(const WorkerOrder& order) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&order);
    return {bytes, bytes + sizeof order};
}

WorkerOrder unpack_order(Bytes bytes) {
    STARLING_ASSERT(bytes.size() == sizeof(WorkerOrder));
    WorkerOrder order;
    std::memcpy(&order, bytes.data(), sizeof order);
    return order;
}

}  // namespace starling
