#include "base/log.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace starling {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

std::string written(LogLevel level, LogFormat format, LogLevel of_line, std::string_view text) {
    start_log(level, format);
    testing::internal::CaptureStderr();
    log(of_line, text);
    start_log(LogLevel::Info, LogFormat::Text);
    return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesALineOfText) {
    EXPECT_THAT(written(LogLevel::Info, LogFormat::Text, LogLevel::Warning, "{} \"a\"\nb"),
                EndsWith(" warning {} \"a\"\\u000ab\n"));
}

TEST(Log, WritesAnObjectOfJson) {
    EXPECT_THAT(written(LogLevel::Info, LogFormat::Json, LogLevel::Info, "\"a\\b\"\t"),
                EndsWith(",\"level\":\"info\",\"message\":\"\\\"a\\\\b\\\"\\u0009\"}\n"));
}

TEST(Log, WritesNothingBelowItsLevel) {
    EXPECT_EQ(written(LogLevel::Warning, LogFormat::Text, LogLevel::Info, "a"), "");
}

TEST(LogLimit, HoldsBackUntilTheNextIntervalAndSaysSo) {
    LogLimit limit(2, 100);
    EXPECT_TRUE(limit.admits(1'000));
    EXPECT_TRUE(limit.admits(1'050));
    EXPECT_FALSE(limit.admits(1'060));
    EXPECT_FALSE(limit.admits(1'099));
    EXPECT_TRUE(limit.admits(1'100));

    testing::internal::CaptureStderr();
    limit.log(LogLevel::Error, "first");
    limit.log(LogLevel::Error, "second");
    const std::string lines = testing::internal::GetCapturedStderr();
    EXPECT_THAT(lines, HasSubstr("first (2 such lines held back before)\n"));
    EXPECT_THAT(lines, EndsWith("second\n"));
    EXPECT_THAT(lines, Not(HasSubstr("second (")));
}

}  // namespace
}  // namespace starling
