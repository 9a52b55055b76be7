#pragma once

#include <gtest/gtest.h>

#include <string>

namespace starling {

// Says that the running case proves the normative statement `id`, as "MQTT-3.1.2-4".
// It counts when the whole case passes. See tests/README.md.
inline void proves(const std::string& id) { testing::Test::RecordProperty(id, "proved"); }

}  // namespace starling
