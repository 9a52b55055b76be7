// `starling bench`: puts a broker under load, and measures.
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "app/bench_command_line.h"
#include "app/client_program.h"
#include "app/commands.h"
#include "base/random.h"
#include "config/settings.h"
#include "load/crew.h"
#include "load/report_json.h"
#include "load/report_text.h"

namespace starling {
namespace {

int fail(const UsageError& error) {
    fmt::print(stderr, "Error: {}\n\nUse 'starling bench --help' to see usage.\n", error.text);
    return error.status;
}

int run(const BenchArguments& arguments) {
    const SignalWatch signals;
    const auto tell = [&](const RunNews& news) {
        if (!arguments.is_quiet) fmt::print(stderr, "{}\n", news_text(news));
    };
    Crew crew(arguments.scenario, arguments.broker, signals.descriptor(), tell);
    const auto outcome = crew.run();
    if (!outcome) return fail_to_start(outcome.error());
    if (arguments.is_json) fmt::print("{}\n", report_json(arguments.scenario, *outcome));
    else fmt::print("{}", report_text(arguments.scenario, *outcome));
    if (std::fflush(stdout) != 0) {
        fmt::print(stderr, "the report could not be written: {}\n", std::strerror(errno));
        return 1;
    }
    return exit_status(*outcome);
}

}  // namespace

int bench_command(int argc, char** argv) {
    const auto flags = parse_bench(argc, argv);
    if (!flags) return flags.error();
    const auto run_number = static_cast<std::uint8_t>(secret_u64());
    const auto arguments = understand(*flags, raise_descriptor_limit(), run_number);
    if (!arguments) return fail(arguments.error());
    return run(*arguments);
}

}  // namespace starling
