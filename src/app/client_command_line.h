// The command lines of `starling pub` and `starling sub`.
#pragma once

#include "app/client_arguments.h"

namespace starling {

// `argv` begins after the subcommand's name. On failure, and after --help and --version, what is to
// be said has been; the error is the exit status.
Result<PubArguments, int> parse_pub(int argc, char** argv);
Result<SubArguments, int> parse_sub(int argc, char** argv);

}  // namespace starling
