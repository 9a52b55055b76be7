// The moment a message came, in words.
#pragma once

#include <array>
#include <ctime>
#include <string>

namespace starling {

// As strftime() has it, in local time.
inline std::string time_text(const char* format, const timespec& when) {
    tm local{};
    ::localtime_r(&when.tv_sec, &local);
    std::array<char, 256> text{};
    return {text.data(), std::strftime(text.data(), text.size(), format, &local)};
}

}  // namespace starling
