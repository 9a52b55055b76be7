// A broken invariant is a bug of ours: say where and end, in release too.
#pragma once

namespace starling {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace starling

// Never for anything a peer can cause.
#define STARLING_ASSERT(expression) \
    ((expression) ? void(0) : ::starling::assertion_failed(#expression, __FILE__, __LINE__))
