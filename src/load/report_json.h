// A finished run for programs.
#pragma once

#include <string>

#include "load/outcome.h"

namespace starling {

// One line: an object. What was not measured is null. docs/bench.md explains each figure.
std::string report_json(const LoadScenario& scenario, const RunOutcome& outcome);

}  // namespace starling
