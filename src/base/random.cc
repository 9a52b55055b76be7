#include "base/random.h"

#include <sys/random.h>

#include "base/assert.h"

namespace starling {

std::uint64_t secret_u64() {
    std::uint64_t value = 0;
    STARLING_ASSERT(::getrandom(&value, sizeof value, 0) == sizeof value);
    return value;
}

}  // namespace starling
