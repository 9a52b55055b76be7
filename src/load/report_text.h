// A run in words: while it goes on, and when it is over.
#pragma once

#include <string>

#include "load/crew.h"

namespace starling {

// Several lines.
std::string report_text(const LoadScenario& scenario, const RunOutcome& outcome);

// The live line: "running: 120000 sent/s, ...".
std::string news_text(const RunNews& news);

}  // namespace starling
