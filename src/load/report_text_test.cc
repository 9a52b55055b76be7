#include "load/report_text.h"

#include <gtest/gtest.h>

#include "load/outcome_testing.h"

namespace starling {
namespace {

TEST(ReportText, NamesWhatIsMissing) {
    const std::string text = report_text(pairs_scenario(), finished_outcome());
    for (const char* part : {"2 of 2 connected over TCP in", "1100 sent, 1097 received, 3 lost",
                             "s misses 4 to 6 of t from p", "500 messages/s", "p99.99 100",
                             "4.00 us a message (3.00 and 1.00)"})
        EXPECT_NE(text.find(part), text.npos) << part << "\nin\n" << text;
}

TEST(ReportText, LiveLineTellsRatesAndLatency) {
    RunNews news{
        .kind = RunNews::Kind::Running, .seconds = 2, .total = {}, .sent = 10, .received = 30};
    news.total.latency_ns.record(5'000);
    EXPECT_EQ(news_text(news),
              "running: 5 sent/s, 15 received/s, latency p50 5 us, p99 5 us, 0 errors");
    news.kind = RunNews::Kind::Holding;
    news.total[Figure::Connected] = 7;
    news.total[Figure::LostConnections] = 2;
    EXPECT_EQ(news_text(news), "holding 5 clients, 2 errors");
}

}  // namespace
}  // namespace starling
