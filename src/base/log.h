// The log: one line per event, to the standard error.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace starling {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };
enum class LogFormat : std::uint8_t { Text, Json };

// Before the first thread. Until then lines of Info and above are written as text.
void start_log(LogLevel level, LogFormat format);

// Whether a line of this level would be written: ask before formatting one that may not be.
bool is_logged(LogLevel level);

// Thread-safe. `text` is one line without its end; control characters in it are escaped.
void log(LogLevel level, std::string_view text);

inline void log_debug(std::string_view text) { log(LogLevel::Debug, text); }
inline void log_info(std::string_view text) { log(LogLevel::Info, text); }
inline void log_warning(std::string_view text) { log(LogLevel::Warning, text); }
inline void log_error(std::string_view text) { log(LogLevel::Error, text); }

// Lets a few lines of one kind through in each interval, and says how many it held back: what a
// stranger can cause a million times must not fill the disk.
//
//     if (refusals_.admits(core.now())) refusals_.log(LogLevel::Warning, text);
//
// Owner: one core.
class LogLimit {
public:
    explicit LogLimit(std::uint32_t lines = 10, TimeMs interval_ms = 10'000)
        : lines_(lines),
          interval_ms_(interval_ms) {}

    // Whether a line may be written now. Counts the one that may not.
    bool admits(TimeMs now);

    // Writes a line, and how many were held back before it.
    void log(LogLevel level, std::string_view text);

    std::uint64_t held_back() const { return held_back_; }

private:
    std::uint32_t lines_;
    TimeMs interval_ms_;
    TimeMs start_ = 0;
    std::uint32_t written_ = 0;
    std::uint64_t held_back_ = 0;  // since the last line
};

}  // namespace starling
