// Options gathered from a file, the environment and the command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/options.h"

namespace starling {

// The options, and where the value of each came from. Later sources override earlier ones: read
// the file first, then the environment, then what the command line says. Each error is a sentence
// that begins with its place, as in "starling.toml:7: ...".
//
// Owner: the main thread.
class Settings {
public:
    using Outcome = Result<void, std::string>;

    Outcome read_file(const std::string& path);
    Outcome read_toml(std::string_view text, const std::string& file_name);

    // Takes the variables of the options out of `variables`, as environ has them. Others are left
    // alone, but for those that begin as a section's do: STARLING_LIMITS_CONECTIONS is an error.
    Outcome read_environment(const char* const* variables);

    // "section.key=value". `origin` is what the operator wrote it with: "--set".
    Outcome assign(std::string_view assignment, const std::string& origin);
    Outcome assign(std::string_view name, std::string_view value, const std::string& origin);

    const Options& options() const { return options_; }
    bool is_default(std::string_view name) const { return origin(name) == "default"; }

    // Whether a file was read, whatever it said.
    bool has_file() const { return has_file_; }

    // "default", "starling.toml:7", "STARLING_LIMITS_CONNECTIONS", "--set".
    // REQUIRES: an option of this name.
    const std::string& origin(std::string_view name) const;

    // Makes `limits.connections` and `limits.handshakes` fit the descriptors that the process may
    // open: lowers a default and notes it, refuses a value that somebody asked for.
    Outcome fit_descriptors(std::uint64_t descriptors);

    // Makes `memory.max` fit a machine or container of so many bytes: sets a default, refuses what
    // is more.
    Outcome fit_memory(std::uint64_t bytes);

    // Gives `data_dir`, unless somebody has, its default: of $XDG_STATE_HOME and $HOME, "" where
    // one is not set. Without either it stays empty.
    void place_data(std::string_view state_home, std::string_view home);

    // What the operator should read once in the log.
    const std::vector<std::string>& notes() const { return notes_; }

private:
    Outcome fit(std::string_view name, std::uint64_t most, std::uint64_t descriptors);

    Options options_;
    bool has_file_ = false;
    std::vector<std::string> origins_ =
        std::vector<std::string>(all_options().size(), "default");  // in the table's order
    std::vector<std::string> notes_;
};

// Raises the soft limit of open files to the hard one; returns what holds from then on.
std::uint64_t raise_descriptor_limit();

// Bytes of memory that the machine has or its container allows.
std::uint64_t usable_memory();

}  // namespace starling
