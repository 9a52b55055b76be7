#include "reactor/cpus.h"

#include <algorithm>
#include <sched.h>

#include "base/limits.h"

namespace starling {

CoreId usable_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return static_cast<CoreId>(std::clamp<int>(CPU_COUNT(&set), 1, limits::kCores));
}

}  // namespace starling
