// lossy_link: two networks of one's own, and a link between them that is slow and loses packets.
//
//     lossy_link --delay-ms 10 --loss 1 --seed 1
//
// Needs the rights to make network namespaces: root's, or those that `unshare --map-root-user`
// gives. Once both networks are there it prints how they are entered, as in
//
//     near=7 10.99.0.1 far=5 10.99.0.2
//
// whose first numbers are descriptors of this process: `nsenter --net=/proc/PID/fd/7`. For each
// line of its standard input it prints, once nothing is on its way,
//
//     {"up": {"carried": 95, "lost": 5, "overflowed": 0}, "down": {...}, "latest_us": 60}
//
// where `up` is from far to near and `latest_us` by how much the link itself was late at most. It
// ends with its standard input, and nothing of it is left.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/lossy_link/link.h"

namespace starling {
namespace {

constexpr const char* kNearAddress = "10.99.0.1";
constexpr const char* kFarAddress = "10.99.0.2";

struct Arguments {
    std::uint32_t delay_ms = 10;
    double loss_percent = 0;
    std::uint64_t seed = 1;
    std::uint32_t packets_max = 1'000;

    LinkWeather weather() const {
        return {.delay_ns = std::uint64_t{delay_ms} * 1'000'000,
                .loss_per_million = static_cast<std::uint32_t>(loss_percent * 10'000 + 0.5),
                .packets_max = packets_max};
    }
};

std::string text(const Lane::Counts& counts) {
    return fmt::format(R"({{"carried": {}, "lost": {}, "overflowed": {}}})", counts.carried,
                       counts.lost, counts.overflowed);
}

void report(const Link& link) {
    fmt::print("{{\"up\": {}, \"down\": {}, \"latest_us\": {}}}\n", text(link.up()),
               text(link.down()), link.latest_ns() / 1'000);
    std::fflush(stdout);
}

Result<void> carry(const Arguments& arguments) {
    STARLING_TRY(far, Network::make(kFarAddress, kNearAddress));
    STARLING_TRY(near, Network::make(kNearAddress, kFarAddress));
    fmt::print("near={} {} far={} {}\n", near->descriptor(), kNearAddress, far->descriptor(),
               kFarAddress);
    std::fflush(stdout);
    Link link(*near, *far, arguments.weather(), arguments.seed);
    while (link.run_until_told()) {
        link.run_until_empty();
        report(link);
    }
    return {};
}

int run(int argc, char** argv) {
    Arguments arguments;
    CLI::App app("Two networks of one's own, and a link between them that loses packets.",
                 "lossy_link");
    app.add_option("--delay-ms", arguments.delay_ms, "One way")->capture_default_str();
    app.add_option("--loss", arguments.loss_percent, "Percent of the packets, each way")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str();
    app.add_option("--seed", arguments.seed, "Tells which")->capture_default_str();
    app.add_option("--queue", arguments.packets_max, "Packets on their way at once, each way")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    const auto done = carry(arguments);
    if (!done)
        fmt::print(stderr, "lossy_link: {}: {}\n", done.error().text,
                   std::strerror(done.error().code));
    return done ? 0 : 1;
}

}  // namespace
}  // namespace starling

int main(int argc, char** argv) { return starling::run(argc, argv); }
