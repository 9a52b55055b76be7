#include "load/report_json.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "load/outcome_testing.h"

namespace starling {
namespace {

using Json = nlohmann::json;

TEST(ReportJson, HasEveryFigure) {
    const std::string text = report_json(pairs_scenario(), finished_outcome());
    EXPECT_EQ(text.find('\n'), text.npos);
    const Json report = Json::parse(text);
    EXPECT_EQ(report["mode"], "p2p");
    EXPECT_EQ(report["transport"], "tcp");
    EXPECT_EQ(report["clients"], 2);
    EXPECT_EQ(report["sent"], 1'100);
    EXPECT_EQ(report["received"], 1'097);
    EXPECT_EQ(report["lost"], 3);
    EXPECT_EQ(report["seconds"], 2);
    EXPECT_EQ(report["messages_per_second"], 500);
    EXPECT_EQ(report["errors"], 0);
    EXPECT_EQ(report["missing"],
              Json::parse(R"([{"receiver":"s","publisher":"p","topic":"t","first":4,"last":6}])"));

    const Json& latency = report["latency_us"];
    EXPECT_NEAR(latency["p50"], 50, 0.5);
    EXPECT_NEAR(latency["p99_99"], 100, 1);
    EXPECT_EQ(latency["max"], 100);

    const Json& broker = report["broker"];
    EXPECT_EQ(broker["cpu_user_s"], 0.003) << "three quarters of the exact time";
    EXPECT_EQ(broker["cpu_system_s"], 0.001);
    EXPECT_EQ(broker["cpu_us_per_message"], 4);
    EXPECT_EQ(broker["cpu_user_us_per_message"], 3);
    EXPECT_EQ(broker["cpu_system_us_per_message"], 1);
    EXPECT_EQ(broker["voluntary_switches"], 5);
    EXPECT_EQ(broker["involuntary_switches"], 2);
    EXPECT_EQ(broker["rss_bytes"], 9'000);

    const Json& connect = report["connect"];
    EXPECT_EQ(connect["count"], 2);
    EXPECT_EQ(connect["seconds"], 0.5);
    EXPECT_EQ(connect["cpu_us_per_connect"], 500);
    EXPECT_EQ(connect["rss_bytes_per_client"], 1'000);
    EXPECT_EQ(connect["anon_bytes_per_client"], 500);
}

TEST(ReportJson, NamesTheTransport) {
    LoadScenario scenario = pairs_scenario();
    scenario.quic.emplace();
    EXPECT_EQ(Json::parse(report_json(scenario, finished_outcome()))["transport"], "quic");
}

TEST(ReportJson, WhatWasNotMeasuredIsNull) {
    RunOutcome outcome{.clients = 2};
    const Json report = Json::parse(report_json(pairs_scenario(), outcome));
    EXPECT_TRUE(report["broker"].is_null());
    EXPECT_TRUE(report["latency_us"].is_null());
    EXPECT_TRUE(report["connect"]["cpu_us_per_connect"].is_null());
    EXPECT_EQ(report["messages_per_second"], 0);
}

}  // namespace
}  // namespace starling
