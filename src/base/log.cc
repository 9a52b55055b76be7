#include "base/log.h"

#include <memory>
#include <string>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace starling {
namespace {

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%e%z %l %*";
constexpr const char* kJsonPattern =
    R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%*"})";

// The text of a line, escaped so that nobody forges a second one: as JSON has it in both formats,
// but for quotation marks and backslashes, which read better bare in text.
class EscapedText final : public spdlog::custom_flag_formatter {
public:
    explicit EscapedText(LogFormat format) : format_(format) {}

    void format(const spdlog::details::log_msg& line, const std::tm&,
                spdlog::memory_buf_t& out) override {
        for (const char c : line.payload) append(c, out);
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<EscapedText>(format_);
    }

private:
    void append(char c, spdlog::memory_buf_t& out) const {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            fmt::format_to(fmt::appender(out), "\\u{:04x}", c);
            return;
        }
        if (format_ == LogFormat::Json && (c == '"' || c == '\\')) out.push_back('\\');
        out.push_back(c);
    }

    LogFormat format_;
};

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::Debug: return spdlog::level::debug;
        case LogLevel::Info: return spdlog::level::info;
        case LogLevel::Warning: return spdlog::level::warn;
        case LogLevel::Error: break;
    }
    return spdlog::level::err;
}

std::shared_ptr<spdlog::logger> make_logger(LogLevel level, LogFormat format) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<EscapedText>('*', format);
    formatter->set_pattern(format == LogFormat::Json ? kJsonPattern : kTextPattern);
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_formatter(std::move(formatter));
    auto logger = std::make_shared<spdlog::logger>("starling", std::move(sink));
    logger->set_level(level_of(level));
    return logger;
}

// spdlog shares its loggers; ours is replaced once, at the start.
std::shared_ptr<spdlog::logger>& logger() {
    static auto instance = make_logger(LogLevel::Info, LogFormat::Text);
    return instance;
}

}  // namespace

void start_log(LogLevel level, LogFormat format) { logger() = make_logger(level, format); }

bool is_logged(LogLevel level) { return logger()->should_log(level_of(level)); }

void log(LogLevel level, std::string_view text) {
    logger()->log(level_of(level), spdlog::string_view_t(text.data(), text.size()));
}

bool LogLimit::admits(TimeMs now) {
    if (now - start_ >= interval_ms_) {
        start_ = now;
        written_ = 0;
    }
    if (written_ < lines_) {
        ++written_;
        return true;
    }
    ++held_back_;
    return false;
}

void LogLimit::log(LogLevel level, std::string_view text) {
    if (held_back_ == 0) return starling::log(level, text);
    starling::log(level, fmt::format("{} ({} such lines held back before)", text, held_back_));
    held_back_ = 0;
}

}  // namespace starling
