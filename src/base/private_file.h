// Small files that nobody else may have a hand in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace starling {

// What other users may do with a file.
enum class Others : std::uint8_t { MayNothing, MayRead };

// All of a file that is ours. The error says that it is missing, too large (above 1 MiB), not ours,
// or open to others.
Result<void, std::string> read_own_file(const std::string& path, Others others, std::string& text);

// Puts a file of mode 0600 there, in the place of any other: at once or not at all.
Result<void, std::string> write_private_file(const std::string& path, std::string_view text);

}  // namespace starling
