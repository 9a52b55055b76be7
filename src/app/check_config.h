// `starling check-config`: what the configuration amounts to.
#pragma once

#include <string>

#include "config/settings.h"

namespace starling {

// Every option with its value, as a TOML file that says the same, and where each came from.
std::string effective_settings(const Settings& settings);

}  // namespace starling
