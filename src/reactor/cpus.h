// How many cores a process may use.
#pragma once

#include "base/handle.h"

namespace starling {

// The CPUs that its affinity allows, at least 1 and at most limits::kCores.
CoreId usable_cpus();

}  // namespace starling
