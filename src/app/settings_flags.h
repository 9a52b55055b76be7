// The flags of the subcommands that read the configuration.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"

namespace CLI {
class App;
}

namespace starling {

// Owner: the main thread.
struct SettingsFlags {
    std::string file;                      // --config
    std::vector<std::string> assignments;  // --set
    std::vector<std::string> listen;       // --listen
    std::string data_dir, cores, log_level, log_format;

    // This object outlives `app`.
    void add_to(CLI::App& app);

    // File, environment, flags, and what the machine permits. Raises the limit of open files.
    Result<Settings, std::string> settings() const;
};

}  // namespace starling
