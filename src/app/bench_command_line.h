// The command line of `starling bench`.
#pragma once

#include "app/bench_arguments.h"

namespace starling {

// `argv` begins after the subcommand's name. On failure, and after --help, what is to be said has
// been; the error is the exit status.
Result<BenchFlags, int> parse_bench(int argc, char** argv);

}  // namespace starling
