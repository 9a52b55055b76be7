// A fleet of clients, as a file describes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "load/scenario.h"

namespace starling {

// TOML: an array of tables [[clients]] with name, count, keepalive, and arrays of tables `publish`
// (topic, qos, size, rate or window, retain) and `subscribe` (filter, qos, share). docs/bench.md
// explains each. An error says where and what.
Result<std::vector<ClientGroup>, std::string> read_fleet(const std::string& path);
Result<std::vector<ClientGroup>, std::string> parse_fleet(std::string_view text,
                                                          const std::string& file_name);

}  // namespace starling
