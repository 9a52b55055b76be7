#include "config/reference.h"

#include <fmt/format.h>

#include "config/options.h"

namespace starling {
namespace {

constexpr const char* kConfigurationIntro = R"(# Configuration

Made from the table in src/config/options.cc by `starling check-config --page configuration`.

A value comes from, in rising order: its default; a TOML file (`--config FILE`); the environment
(`STARLING_LIMITS_CONNECTIONS=500`); the command line (`--set limits.connections=500`, and
`--listen`, `--data-dir`, `--cores`, `--log-level`, `--log-format`). Unknown names and wrong values are errors.
`starling check-config` prints every value with where it came from, and tries to load the certificate.

    listen = [":1883", "quic://:14567"]

    [limits]
    connections = 50000

In the environment and on the command line, lists of addresses stand with commas between. A
path that is not absolute begins where the broker was started. [quic.md](quic.md) says more of QUIC.
)";

constexpr const char* kLimitsIntro = R"(# Limits

Made from the table in src/config/options.cc by `starling check-config --page limits`.

Whatever could grow has a bound, and something defined happens there. Each is an option:
[configuration.md](configuration.md) says how to set it. A default that the machine cannot honour is
lowered and logged once; a value that was asked for and cannot be honoured is an error at the start.

| name | default | unit | values | what it bounds, and what happens there |
|---|---|---|---|---|
)";

std::string_view section_of(const Option& option) {
    const std::string_view name = option.name;
    const std::size_t dot = name.find('.');
    return dot == name.npos ? "" : name.substr(0, dot);
}

}  // namespace

std::string configuration_page() {
    const Options defaults;
    std::string page = kConfigurationIntro;
    std::string_view section = "none";
    for (const Option& option : all_options()) {
        if (section_of(option) != section) {
            section = section_of(option);
            page += fmt::format(
                "\n## {}\n\n| name | default | values | what it is |\n|---|---|---|---|\n",
                section.empty() ? "General" : section);
        }
        page += fmt::format("| `{}` | `{}` | {}{}{} | {} |\n", option.name, option.text(defaults),
                            option.range(), *option.unit ? " " : "", option.unit, option.help);
    }
    return page;
}

std::string limits_page() {
    const Options defaults;
    std::string page = kLimitsIntro;
    for (const Option& option : all_options())
        if (option.at_bound)
            page += fmt::format("| `{}` | {} | {} | {} | {}. {}. |\n", option.name,
                                option.text(defaults), option.unit, option.range(), option.help,
                                option.at_bound);
    return page;
}

}  // namespace starling
