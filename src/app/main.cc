// The program: which subcommand, and its flags.
#include <cstdio>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/certificate.h"
#include "app/check_config.h"
#include "app/commands.h"
#include "app/serve.h"
#include "app/settings_flags.h"
#include "base/version.h"
#include "config/reference.h"

namespace starling {
namespace {

constexpr int kWrongUsage = 1;

constexpr const char* kHelp =
    "Try it, in three terminals:\n"
    "  starling serve\n"
    "  starling sub -t 'greeting/#' -v\n"
    "  starling pub -t greeting/world -m hello\n\n"
    "For other machines to reach it:  starling serve --listen :1883\n"
    "Every option:                    starling check-config --page configuration\n\n"
    "Exit status of serve and check-config (pub, sub and bench have their own, in their --help):\n"
    "  0    success; of serve: stopped by SIGTERM or SIGINT, having told its clients\n"
    "  1    wrong usage, wrong configuration, a folder or certificate that\n"
    "       cannot be used, or an address that cannot be listened at\n"
    "  130, 143  ended at once by a second SIGINT or SIGTERM\n";

constexpr const char* kSources =
    "Options come from, in rising order: their defaults, --config FILE, the environment\n"
    "(STARLING_LIMITS_CONNECTIONS=500), the command line (--set limits.connections=500).\n"
    "Every option is explained by: starling check-config --page configuration\n";

int check_config(const SettingsFlags& flags, const std::string& page) {
    if (page == "configuration") return fmt::print("{}", configuration_page()), 0;
    if (page == "limits") return fmt::print("{}", limits_page()), 0;
    const auto settings = flags.settings();
    if (!settings) return fmt::print(stderr, "Error: {}\n", settings.error()), kWrongUsage;
    if (const auto checked = check_certificate(*settings); !checked)
        return fmt::print(stderr, "Error: {}\n", checked.error()), kWrongUsage;
    fmt::print("{}", effective_settings(*settings));
    return 0;
}

int serve_with(const SettingsFlags& flags) {
    const auto settings = flags.settings();
    if (!settings) return fmt::print(stderr, "Error: {}\n", settings.error()), kWrongUsage;
    return serve(*settings);
}

int run(int argc, char** argv) {
    // Their flags are their own: -h is a host there.
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (command == "pub") return pub_command(argc - 2, argv + 2);
    if (command == "sub") return sub_command(argc - 2, argv + 2);
    if (command == "bench") return bench_command(argc - 2, argv + 2);

    CLI::App app("An MQTT broker, and a client to talk to it.", "starling");
    app.require_subcommand(1);
    app.footer(kHelp);
    app.set_version_flag("--version", fmt::format("starling version {}", kVersion),
                         "Show the version and exit");
    SettingsFlags flags;
    auto* serve = app.add_subcommand("serve", "Run the broker")->footer(kSources);
    flags.add_to(*serve);
    app.add_subcommand("pub", "Publish messages");
    app.add_subcommand("sub", "Subscribe, and print what comes");
    app.add_subcommand("bench", "Put a broker under load, and measure");
    auto* check =
        app.add_subcommand("check-config", "Print each option's value and where it came from")
            ->footer(kSources);
    flags.add_to(*check);
    std::string page;
    check->add_option("--page", page, "Print a page of the manual instead: configuration, limits")
        ->option_text("NAME")
        ->check(CLI::IsMember({"configuration", "limits"}));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kWrongUsage;
    }
    return check->parsed() ? check_config(flags, page) : serve_with(flags);
}

}  // namespace
}  // namespace starling

int main(int argc, char** argv) { return starling::run(argc, argv); }
