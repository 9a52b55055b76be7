// The subcommands of starling. `argv` begins after the subcommand's name; each returns the exit
// status of the program.
#pragma once

namespace starling {

int pub_command(int argc, char** argv);
int sub_command(int argc, char** argv);
int bench_command(int argc, char** argv);

}  // namespace starling
