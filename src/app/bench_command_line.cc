#include "app/bench_command_line.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace starling {
namespace {

constexpr int kWrongUsage = 1;
constexpr std::uint32_t kDaysS = 3 * 24 * 3600;  // what a stamp can tell

constexpr const char* kModes =
    "Modes:\n"
    "  conn    clients that connect and stay\n"
    "  pub     publishers, each to a topic of its own; nobody here receives\n"
    "  sub     subscribers to everything below --topic; nobody here publishes\n"
    "  p2p     pairs: each publisher has one subscriber\n"
    "  fanout  few publishers, many subscribers; each message goes to all of them\n"
    "  fanin   many publishers, few subscribers; --shared has them share the messages\n"
    "  mixed   a fleet as --profile describes it\n\n"
    "Try it, beside a broker on port 1883:\n"
    "  starling bench p2p --clients 100 --window 32\n"
    "  starling bench fanout --subscribers 1000 --rate 50 --qos 1\n"
    "  starling bench conn --clients 10000 --hold 60 --broker-pid PID\n\n"
    "With --window, the default, a publisher has so many messages on their way, and sends the\n"
    "next when one has come to its end: what the broker can do at most. With --rate messages are\n"
    "due at even distances whether or not the broker keeps up, and a late one counts from when it\n"
    "was due: what users of that rate would see. docs/bench.md explains every figure.\n\n"
    "Exit status:\n"
    "  0  done, and all that QoS promises was kept\n"
    "  1  wrong usage, or a connection failed, was lost or refused something\n"
    "  3  a message was lost or never answered at QoS 1 or 2, or doubled at QoS 0 or 2\n";

// What a flag may go with; "broadcast" is conn with --broadcast.
constexpr const char* kPublishing = "pub p2p fanout fanin broadcast";
constexpr const char* kReceiving = "pub sub p2p fanout fanin broadcast";
constexpr const char* kTimed = "pub sub p2p fanout fanin mixed broadcast";
constexpr const char* kSimple = "conn pub sub p2p fanout fanin";

// The command line. A flag is refused where it would mean nothing.
// Owner: the stack of parse_bench().
class CommandLine {
public:
    CommandLine() : app_("Puts a broker under load, and measures.", "starling bench") {
        app_.footer(kModes);
        app_.get_formatter()->column_width(34);
        app_.add_option("MODE", flags_.mode, "What kind of load")
            ->required()
            ->check(CLI::IsMember({"conn", "pub", "sub", "p2p", "fanout", "fanin", "mixed"}));
        add_broker();
        add_clients();
        add_messages();
        add_times();
        add_output();
    }

    // The error is the exit status: what is to be said has been.
    Result<BenchFlags, int> parse(int argc, char** argv);

private:
    template <typename Value>
    CLI::Option* option(const char* name, Value& value, const char* word, const char* help) {
        return app_.add_option(name, value, help)->option_text(word)->allow_extra_args(false);
    }
    void only_for(const char* modes, CLI::Option* option) {
        restricted_.push_back({option, modes});
    }
    void add_broker();
    void add_clients();
    void add_messages();
    void add_times();
    void add_output();
    const CLI::Option* misplaced() const;

    struct Restricted {
        const CLI::Option* option;
        std::string modes;
    };

    CLI::App app_;
    BenchFlags flags_;
    std::vector<Restricted> restricted_;
};

void CommandLine::add_broker() {
    option("--host", flags_.host, "HOST", "The broker (127.0.0.1)");
    option("--port", flags_.port, "N", "Its port (1883; with --quic 14567)")
        ->check(CLI::Range(1, 65'535));
    app_.add_flag("--quic", flags_.quic.is_quic, "Over QUIC; the next four go with it");
    option("--cafile", flags_.quic.authority_file, "FILE",
           "Trust the authorities in it (those of the system; on this machine also the certificate "
           "that your own broker has made for itself)");
    app_.add_flag("--insecure", flags_.quic.is_insecure, "Trust any server");
    option("--cert", flags_.quic.certificate_file, "FILE", "Certificate to show to the server");
    option("--key", flags_.quic.key_file, "FILE", "Its key");
    option("--mqtt", flags_.version, "4|5", "Protocol level: 4 is MQTT 3.1.1 (5)")
        ->check(CLI::IsMember({4, 5}));
    option("--broker-pid", flags_.broker_process, "PID",
           "Its process, if it is on this machine: measures its CPU time and memory")
        ->check(CLI::PositiveNumber);
}

void CommandLine::add_clients() {
    const CLI::Range count(1u, 1'000'000u);
    only_for("conn pub sub p2p",
             option("--clients", flags_.clients, "N",
                    "conn: clients (1000); p2p: pairs (100); pub and sub: those (10)")
                 ->check(count));
    only_for(
        "pub fanout fanin",
        option("--publishers", flags_.publishers, "P", "fanout: (1); fanin: (100)")->check(count));
    only_for("sub fanout fanin",
             option("--subscribers", flags_.subscribers, "M", "fanout: (100); fanin: (1)")
                 ->check(count));
    only_for("mixed", option("--profile", flags_.profile, "FILE", "mixed: the fleet, in TOML"));
    option("--connect-rate", flags_.connect_rate, "R", "Connections a second (as fast as may be)")
        ->check(CLI::Range(1e-3, 1e9));
    only_for(kSimple, option("--keepalive", flags_.keep_alive_s, "S",
                             "Keep-alive of each client, in seconds; 0: none (60)"));
    option("--processes", flags_.processes, "N",
           "Processes for the clients (as many as their descriptors need)")
        ->check(CLI::Range(1u, 1'000u));
    only_for("conn", app_.add_flag("--own-subscription", flags_.has_own_filter,
                                   "conn: each client subscribes to a topic of its own"));
    only_for("conn",
             app_.add_flag("--broadcast", flags_.broadcasts,
                           "conn: after the hold all subscribe to one topic, and one message goes "
                           "there"));
    only_for(kSimple, option("--background-filters", flags_.background_filters, "N",
                             "Wildcard filters that match nothing, held by other clients (0)")
                          ->check(count));
}

void CommandLine::add_messages() {
    only_for(kSimple, option("--topic", flags_.topic, "PREFIX", "Where all topics begin (bench)"));
    only_for(kReceiving,
             option("--qos", flags_.qos, "0|1|2", "QoS of messages and subscriptions (0)")
                 ->check(CLI::Range(0, 2)));
    only_for(kPublishing,
             option("--size", flags_.payload_bytes, "BYTES", "Of each payload, 16 at least (64)")
                 ->check(CLI::Range(kStampBytes, std::size_t{16'777'216})));
    auto* window = option("--window", flags_.window, "W",
                          "Closed loop: messages on their way at a time, of each publisher (32; "
                          "fanin: 8)")
                       ->check(CLI::Range(1u, 32'767u));
    only_for("pub p2p fanout fanin", window);
    only_for("pub p2p fanout fanin",
             option("--rate", flags_.rate, "R", "Open loop: messages a second over all publishers")
                 ->check(CLI::Range(1e-6, 1e9))
                 ->excludes(window));
    only_for("p2p fanout fanin",
             app_.add_flag("--wildcard", flags_.uses_wildcard, "Subscribe by wildcard"));
    only_for("sub fanout fanin",
             option("--shared", flags_.share, "GROUP", "The subscribers share the messages"));
}

void CommandLine::add_times() {
    only_for(kTimed, option("--duration", flags_.duration_s, "S", "Seconds that are counted (10)")
                         ->check(CLI::Range(1u, kDaysS)));
    only_for("pub sub p2p fanout fanin mixed",
             option("--warmup", flags_.warmup_s, "S", "Seconds before that (1)")
                 ->check(CLI::Range(0u, kDaysS)));
    option("--hold", flags_.hold_s, "S", "Seconds of silence once all are connected (0)")
        ->check(CLI::Range(0u, kDaysS));
}

void CommandLine::add_output() {
    app_.add_flag("--json", flags_.is_json, "The report is one JSON object, on the last line");
    app_.add_flag("--quiet", flags_.is_quiet, "No live line");
}

// The first flag that is not for this mode, or null.
const CLI::Option* CommandLine::misplaced() const {
    for (const Restricted& one : restricted_) {
        std::istringstream modes(one.modes);
        const bool fits = std::any_of(
            std::istream_iterator<std::string>(modes), {}, [&](const std::string& mode) {
                return mode == flags_.mode || (mode == "broadcast" && flags_.broadcasts);
            });
        if (one.option->count() != 0 && !fits) return one.option;
    }
    return nullptr;
}

Result<BenchFlags, int> CommandLine::parse(int argc, char** argv) {
    std::vector<std::string> words(argv, argv + argc);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
        app_.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        return app_.exit(error) == 0 ? 0 : kWrongUsage;
    }
    if (const CLI::Option* option = misplaced()) {
        fmt::print(stderr, "Error: {} is not for {}\n\n{}\n", option->get_name(), flags_.mode,
                   "Use 'starling bench --help' to see usage.");
        return kWrongUsage;
    }
    return flags_;
}

}  // namespace

Result<BenchFlags, int> parse_bench(int argc, char** argv) {
    return CommandLine().parse(argc, argv);
}

}  // namespace starling
