#include "app/client_command_line.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/version.h"

namespace starling {
namespace {

constexpr int kPropertyWordsMax = 4'096;  // of all -D together

constexpr const char* kExitStatus =
    "Exit status:\n"
    "  0       success, also after SIGINT and SIGTERM\n"
    "  1       wrong usage, no connection, or a message that cannot be sent\n"
    "  1 to 5  the server refused the connection: its return code, below version 5\n"
    "  2       the flag is not in this build\n"
    "  7       the connection was lost\n"
    "  19      the server did not answer a ping\n"
    "  27      -W: timed out\n"
    "  128-    the server refused the connection or every subscription, or ended the connection:\n"
    "          its reason code (below version 5: 128, of subscriptions)\n";

// What people know from other builds, and this one has not.
constexpr const char* kMissingOptions[] = {
    "--keyform",  "--ciphers", "--psk",        "--psk-identity", "--tls-version",
    "--tls-alpn", "--proxy",   "--tls-engine", "--unix",         "--tls-engine-kpass-sha1",
    "-A",
};
constexpr const char* kMissingFlags[] = {"--tls-use-os-certs", "-S"};

// One command line. Owner: the stack of parse_pub() or parse_sub().
class CommandLine {
public:
    CommandLine(std::string command, const char* description)
        : command_(std::move(command)),
          app_(description, "starling " + command_) {
        app_.set_help_flag("--help", "Show this and exit");
        app_.footer(kExitStatus);
        app_.get_formatter()->column_width(32);
        flag("--version", wants_version_, "Show the version and exit");
    }

    // One value each time; a vector may be given several.
    template <typename Value>
    CLI::Option* option(const char* names, Value& value, const char* help) {
        return app_.add_option(names, value, help)->allow_extra_args(false);
    }
    void flag(const char* names, bool& value, const char* help) {
        app_.add_flag(names, value, help);
    }
    void add(ClientFlags& flags);

    // `flags` are those that option() and flag() were given.
    template <typename Arguments, typename Flags>
    Result<Arguments, int> parse(int argc, char** argv, const Flags& flags);

private:
    void add_missing();
    void add_connection(ClientFlags& flags);
    void add_quic(ClientFlags& flags);
    void add_will(ClientFlags& flags);
    int fail(const UsageError& error) const;

    std::string command_;
    CLI::App app_;
    bool wants_version_ = false, is_prompt_ = false;
    std::string missing_;  // of what was asked for
};

void CommandLine::add(ClientFlags& flags) {
    add_connection(flags);
    add_quic(flags);
    add_will(flags);
    app_.add_option("-D,--property", flags.property_words,
                    "A version 5 property: connect, publish, subscribe, unsubscribe, disconnect or "
                    "will; its name; its value (of a user-property: name and value)")
        ->option_text("PLACE NAME VALUE")
        ->expected(3, kPropertyWordsMax)
        ->allow_extra_args(false);  // or a value in brackets were taken for a list
    flag("-d,--debug", flags.prints_packets, "Print each packet");
    flag("--quiet", flags.is_quiet, "Print no errors but those of usage");
    add_missing();
}

void CommandLine::add_connection(ClientFlags& flags) {
    option("-h,--host", flags.host, "Server to connect to (localhost)");
    option("-p,--port", flags.port, "Its port (1883; with --quic 14567)");
    option("-L,--url", flags.url, "mqtt://[user[:password]@]host[:port]/topic, all at once");
    option("-i,--id", flags.id, "Client id; without one the server chooses");
    option("-I,--id-prefix", flags.id_prefix, "Client id: this and the process id");
    option("-u,--username", flags.user_name, "User name");
    option("-P,--pw", flags.password, "Password");
    option("-V,--protocol-version", flags.version,
           "mqttv31, mqttv311 (default), mqttv5; 31, 311, 5");
    option("-k,--keepalive", flags.keep_alive_s, "Seconds between pings, 5 to 65535 (60)");
    flag("-c,--disable-clean-session", flags.keeps_session,
         "Have the server keep the session; needs -i");
    option("-x", flags.session_expiry,
           "Seconds that it keeps a version 5 session; -1: for ever (with -c)");
    flag("--nodelay", is_prompt_, "Accepted: nothing is ever delayed");
}

void CommandLine::add_quic(ClientFlags& flags) {
    flag("--quic", flags.quic.is_quic, "Over QUIC; what follows goes with it");
    option("--cafile", flags.quic.authority_file,
           "Trust the authorities in this file (those of the system; on this machine also the "
           "certificate that your own broker has made for itself)");
    option("--capath", flags.quic.authority_folder, "The same, in the files of a folder");
    flag("--insecure", flags.quic.is_insecure, "Trust any server, whatever its certificate says");
    option("--cert", flags.quic.certificate_file, "Certificate to show to the server; needs --key");
    option("--key", flags.quic.key_file, "Its key");
    option("--ticket-file", flags.ticket_file,
           "Where a run leaves what the next resumes its session with");
    option("--streams", flags.streams,
           "Use so many streams beside the first, spread by topic: on one topic order holds, and "
           "what is lost or slow on one stream keeps no other waiting");
    flag("--early-data", flags.is_early,
         "With a ticket that permits it, send CONNECT before the server has answered; who has seen "
         "that can send it again");
}

void CommandLine::add_will(ClientFlags& flags) {
    option("--will-topic", flags.will_topic, "Topic of the will");
    option("--will-payload", flags.will_payload, "Its payload");
    option("--will-qos", flags.will_qos, "Its QoS (0)");
    flag("--will-retain", flags.is_will_retained, "It is retained");
}

// Known, but not shown in the help.
void CommandLine::add_missing() {
    for (const char* name : kMissingOptions)
        app_.add_option_function<std::string>(name,
                                              [=, this](const std::string&) { missing_ = name; })
            ->group("");
    for (const char* name : kMissingFlags)
        app_.add_flag_callback(name, [=, this] { missing_ = name; })->group("");
}

template <typename Arguments, typename Flags>
Result<Arguments, int> CommandLine::parse(int argc, char** argv, const Flags& flags) {
    std::vector<std::string> words(argv, argv + argc);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
        app_.parse(std::move(words));
    } catch (const CLI::CallForHelp&) {
        std::cout << app_.help();
        return 0;
    } catch (const CLI::ParseError& error) {
        return fail({error.what()});
    }
    if (wants_version_) {
        fmt::print("starling {} version {}\n", command_, kVersion);
        return 0;
    }
    if (!missing_.empty()) return fail(not_in_this_build(missing_));
    auto arguments = understand(flags);
    if (!arguments) return fail(arguments.error());
    return std::move(*arguments);
}

int CommandLine::fail(const UsageError& error) const {
    fmt::print(stderr, "Error: {}\n\nUse 'starling {} --help' to see usage.\n", error.text,
               command_);
    return error.status;
}

}  // namespace

Result<PubArguments, int> parse_pub(int argc, char** argv) {
    CommandLine line("pub", "Publishes a message, or each line of the standard input as one.");
    PubFlags flags;
    line.option("-t,--topic", flags.topics, "Topic to publish to");
    line.option("-m,--message", flags.text, "The message");
    line.option("-f,--file", flags.file, "The message is what this file holds");
    line.flag("-s,--stdin-file", flags.is_input, "The message is all of the standard input");
    line.flag("-l,--stdin-line", flags.is_lines, "Each line of the standard input is a message");
    line.flag("--line-topics", flags.has_line_topics,
              "Each of these lines begins with its topic and a space, as sub -v prints it");
    line.flag("-n,--null-message", flags.is_null, "The message is empty");
    line.option("-q,--qos", flags.qos, "QoS: 0 (default), 1 or 2");
    line.flag("-r,--retain", flags.is_retained, "The server retains the message");
    line.option("--repeat", flags.repeat, "Publish the message so many times");
    line.option("--repeat-delay", flags.repeat_delay_s, "Seconds between two of them (0)");
    line.option("-M,--max-inflight", flags.inflight_max, "Messages unacknowledged at a time (20)");
    line.add(flags);
    return line.parse<PubArguments>(argc, argv, flags);
}

Result<SubArguments, int> parse_sub(int argc, char** argv) {
    CommandLine line("sub", "Subscribes to topics, and prints the messages that come.");
    SubFlags flags;
    line.option("-t,--topic", flags.topics, "Topic filter to subscribe to; repeat for more");
    line.option("-T,--filter-out", flags.filtered_out, "Topic filter of messages to disregard");
    line.option("-U,--unsubscribe", flags.unsubscribes, "Topic filter to unsubscribe from");
    line.option("-q,--qos", flags.qos, "QoS: 0 (default), 1 or 2");
    line.option("-C", flags.count, "End after so many messages");
    line.option("-W", flags.timeout_s, "End after so many seconds, with status 27");
    line.flag("-E", flags.exits_when_subscribed, "End when the server has answered");
    line.flag("-v,--verbose", flags.prints_topic, "Print the topic before each payload");
    line.flag("-N", flags.keeps_lines_open, "Print no end of line after a message");
    line.option("-F", flags.format,
                "Print by this format: %t topic, %p payload, %x %X payload in hex, %l its length, "
                "%q QoS, %r retain, %m packet id, %I %U time, %j JSON, %J JSON with the payload as "
                "a value; in version 5 %A topic alias, %C content type, %D correlation data, %E "
                "expiry, %F payload format, %P user properties, %R response topic, %S subscription "
                "id; %-010.5t aligns left, pads with zeros, to a width, cuts; @X is strftime's %X, "
                "@N nanoseconds; \\n \\t \\0 and the like");
    line.flag("--pretty", flags.is_pretty, "Spread JSON over lines");
    line.flag("-R,--no-retained", flags.ignores_retained, "Do not print retained messages");
    line.flag("--retained-only", flags.only_retained,
              "Print retained messages only; end at the first that is not");
    line.flag("--remove-retained", flags.clears_retained, "Clear each retained message that comes");
    line.flag("--retain-as-published", flags.retains_as_published,
              "In version 5, keep the retain flag as it was published");
    line.option("--random-filter", flags.printed_percent,
                "Print so many percent of messages (100)");
    line.add(flags);
    return line.parse<SubArguments>(argc, argv, flags);
}

}  // namespace starling
