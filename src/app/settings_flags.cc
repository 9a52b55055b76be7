#include "app/settings_flags.h"

#include <cstdlib>
#include <string_view>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace starling {
namespace {

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

}  // namespace

void SettingsFlags::add_to(CLI::App& app) {
    const auto add = [&](const char* name, auto& value, const char* word, const char* help) {
        app.add_option(name, value, help)->option_text(word)->allow_extra_args(false);
    };
    add("--config", file, "FILE", "Read options from this TOML file");
    add("--set", assignments, "SECTION.KEY=VALUE", "Set one option; repeat for more");
    add("--listen", listen, "ADDRESS",
        "Listen here: host:port, [v6]:port, or :port for every address; quic://host:port for QUIC; "
        "repeat for more");
    add("--data-dir", data_dir, "FOLDER",
        "Keep here what outlives the process (default: ~/.local/state/starling)");
    add("--cores", cores, "N", "Threads that serve clients (default: one for each CPU)");
    add("--log-level", log_level, "LEVEL", "debug, info (default), warning, error");
    add("--log-format", log_format, "FORMAT", "text (default) or json");
}

Result<Settings, std::string> SettingsFlags::settings() const {
    Settings settings;
    if (!file.empty()) STARLING_CHECK(settings.read_file(file));
    STARLING_CHECK(settings.read_environment(environ));
    for (const std::string& assignment : assignments)
        STARLING_CHECK(settings.assign(assignment, "--set"));
    if (!listen.empty())
        STARLING_CHECK(
            settings.assign("listen", fmt::format("{}", fmt::join(listen, ",")), "--listen"));
    if (!data_dir.empty()) STARLING_CHECK(settings.assign("data_dir", data_dir, "--data-dir"));
    if (!cores.empty()) STARLING_CHECK(settings.assign("cores", cores, "--cores"));
    if (!log_level.empty()) STARLING_CHECK(settings.assign("log.level", log_level, "--log-level"));
    if (!log_format.empty())
        STARLING_CHECK(settings.assign("log.format", log_format, "--log-format"));
    STARLING_CHECK(settings.fit_descriptors(raise_descriptor_limit()));
    STARLING_CHECK(settings.fit_memory(usable_memory()));
    settings.place_data(variable("XDG_STATE_HOME"), variable("HOME"));
    return settings;
}

}  // namespace starling
