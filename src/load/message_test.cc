#include "load/message.h"

#include <gtest/gtest.h>

#include "load/channel.h"

namespace starling {
namespace {

WorkerReport large_report() {
    WorkerReport report{.news = WorkerNews::Finished, .tally = {}};
    Tally& tally = report.tally;
    for (std::size_t at = 0; at < tally.figures.size(); ++at) tally.figures[at] = at * at << 40;
    for (std::size_t place = 0; place < Histogram::kPlaces; ++place)
        tally.latency_ns.add(place, 1'000'000'000'000 + place, 77);
    for (std::uint32_t at = 0; at < Tally::kMissingMax; ++at)
        tally.missing.push_back({.receiver = "bench-ff-subscriber-1000000",
                                 .topic = "bench/1000000/data",
                                 .publisher = "bench-ff-publisher-1000000",
                                 .first = at,
                                 .end = ~at});
    tally.first_error = "read: connection reset by peer";
    return report;
}

TEST(WorkerReport, ComesAsItWasSent) {
    const WorkerReport sent = large_report();
    const WorkerReport got = unpack_report(pack(sent));
    EXPECT_EQ(got.news, sent.news);
    EXPECT_EQ(got.tally.figures, sent.tally.figures);
    EXPECT_EQ(got.tally.first_error, sent.tally.first_error);
    EXPECT_EQ(got.tally.latency_ns.count(), sent.tally.latency_ns.count());
    EXPECT_EQ(got.tally.latency_ns.max(), 77u);
    ASSERT_EQ(got.tally.missing.size(), sent.tally.missing.size());
    EXPECT_EQ(got.tally.missing[9].receiver, sent.tally.missing[9].receiver);
    EXPECT_EQ(got.tally.missing[9].end, sent.tally.missing[9].end);
}

TEST(WorkerReport, TheLargestFitsIntoAMessage) {
    EXPECT_LE(pack(large_report()).size(), Channel::kMessageBytes);
}

TEST(WorkerOrder, ComesAsItWasSent) {
    const WorkerOrder order{
        .kind = WorkerOrder::Kind::Run, .start_ns = 1, .count_from_ns = 2, .count_until_ns = 3};
    const WorkerOrder got = unpack_order(pack(order));
    EXPECT_EQ(got.kind, order.kind);
    EXPECT_EQ(got.start_ns, 1u);
    EXPECT_EQ(got.count_until_ns, 3u);
}

TEST(Channel, CarriesWholeMessagesAndTellsTheEnd) {
    auto ends = Channel::open();
    ASSERT_TRUE(ends);
    auto& [one, other] = *ends;
    EXPECT_FALSE((*other->receive()).has_value());
    one->send(as_bytes("first"));
    one->send(ByteVector(Channel::kMessageBytes));
    EXPECT_EQ(as_text(**other->receive()), "first");
    EXPECT_EQ((**other->receive()).size(), Channel::kMessageBytes);
    one.reset();
    EXPECT_FALSE(other->receive().ok());
    other->send(as_bytes("nobody hears it"));
}

}  // namespace
}  // namespace starling
