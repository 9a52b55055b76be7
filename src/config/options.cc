#include "config/options.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <numeric>

#include <fmt/format.h>

#include "transport/socket.h"

namespace starling {
namespace {

using Kind = Option::Kind;

constexpr std::uint64_t kMaxU16 = 65'535;
constexpr std::uint64_t kMaxU32 = 4'294'967'295;
constexpr std::uint64_t kDayS = 24 * 3600;

constexpr const char* kLevels[] = {"debug", "info", "warning", "error"};
constexpr const char* kFormats[] = {"text", "json"};
constexpr const char* kDrops[] = {"oldest", "newest"};
constexpr const char* kEarlyData[] = {"off", "connect", "full"};
constexpr const char* kStrategies[] = {"round_robin", "random", "sticky", "hash_clientid",
                                       "hash_topic"};

// `Field` of the struct that is `Part` of the options: its value as a number, whatever its type.
template <auto Part, auto Field>
constexpr Option option(Kind kind) {
    Option made{};
    made.kind = kind;
    made.get = [](const Options& options) {
        return static_cast<std::uint64_t>(options.*Part.*Field);
    };
    made.set = [](Options& options, std::uint64_t value) {
        auto& field = options.*Part.*Field;
        field = static_cast<std::remove_reference_t<decltype(field)>>(value);
    };
    return made;
}

struct Range {
    std::uint64_t minimum, maximum;
};

template <auto Part, auto Field>
constexpr Option number(const char* name, const char* unit, Range range, const char* help,
                        const char* at_bound = nullptr) {
    Option made = option<Part, Field>(Kind::Number);
    made.name = name;
    made.unit = unit;
    made.minimum = range.minimum;
    made.maximum = range.maximum;
    made.help = help;
    made.at_bound = at_bound;
    return made;
}

template <auto Part, auto Field>
constexpr Option toggle(const char* name, const char* help) {
    Option made = option<Part, Field>(Kind::Switch);
    made.name = name;
    made.unit = "";
    made.maximum = 1;
    made.help = help;
    return made;
}

template <auto Part, auto Field>
constexpr Option choice(const char* name, std::span<const char* const> words, const char* help) {
    Option made = option<Part, Field>(Kind::Choice);
    made.name = name;
    made.unit = "";
    made.words = words;
    made.maximum = words.size() - 1;
    made.help = help;
    return made;
}

template <auto Part, auto Field>
constexpr Option path(const char* name, const char* help) {
    Option made{};
    made.kind = Kind::Path;
    made.name = name;
    made.unit = "";
    made.help = help;
    made.path = [](Options& options) -> std::string& { return options.*Part.*Field; };
    return made;
}

template <auto Part, auto Field>
constexpr Option blocks(const char* name, const char* help) {
    Option made{};
    made.kind = Kind::Blocks;
    made.name = name;
    made.unit = "";
    made.help = help;
    made.blocks = [](Options& options) -> std::vector<AddressBlock>& {
        return options.*Part.*Field;
    };
    return made;
}

constexpr Option endpoints(const char* name, const char* help) {
    Option made{};
    made.kind = Kind::Endpoints;
    made.name = name;
    made.unit = "";
    made.help = help;
    return made;
}

constexpr auto kRuntime = &Options::runtime;
constexpr auto kTcp = &Options::tcp;
constexpr auto kLog = &Options::log;
constexpr auto kQuicFiles = &Options::quic_files;
constexpr auto kQuic = &Options::quic;
constexpr auto kBroker = &Options::broker;
using B = BrokerOptions;
using Q = quic::QuicOptions;

// The table. Every default is that of its field.
constexpr Option kOptions[] = {
    endpoints("listen",
              "Addresses to listen at: host:port, [v6]:port, or :port for every address of the "
              "machine; port 0 picks a free one. With quic:// before it, it is MQTT over QUIC, and "
              "the port may be left out: 14567"),

    number<kRuntime, &RuntimeOptions::cores>(
        "cores", "threads", {0, limits::kCores},
        "Threads that serve clients, one core each; 0: as many as the process may use CPUs"),
    path<kRuntime, &RuntimeOptions::data_dir>(
        "data_dir",
        "Folder of what outlives the process, for one broker alone: the keys of QUIC. Unless set: "
        "starling in $XDG_STATE_HOME, or in ~/.local/state"),

    choice<kLog, &LogOptions::level>("log.level", kLevels, "The least important lines written"),
    choice<kLog, &LogOptions::format>("log.format", kFormats, "What a line looks like"),

    number<kBroker, &B::connections_max>(
        "limits.connections", "connections", {1, 100'000'000},
        "Connections with an accepted CONNECT; without QUIC the default is lowered to what the "
        "limit of open files permits",
        "CONNECT is refused with 0x89 (return code 3 below version 5) and nobody is taken over"),
    number<kBroker, &B::handshakes_max>("limits.handshakes", "sockets", {1, 100'000'000},
                                        "Sockets that have not sent CONNECT, an equal share for "
                                        "each core; the default is lowered to a "
                                        "tenth of the descriptors",
                                        "The oldest is closed"),
    number<kBroker, &B::connect_timeout_s>("limits.connect_timeout_s", "seconds", {1, 3600},
                                           "Time until a socket must have sent CONNECT",
                                           "It is closed"),
    number<kBroker, &B::subscriptions_per_client>(
        "limits.subscriptions_per_client", "subscriptions", {1, kMaxU32},
        "Subscriptions of a client",
        "SUBACK says 0x97 (0x80 below version 5); the others of the packet stand"),
    number<kBroker, &B::queue_messages>(
        "limits.queue_messages", "messages", {1, kMaxU32}, "Messages waiting for a client",
        "One is dropped by limits.queue_drop, QoS 0 first, and counted"),
    choice<kBroker, &B::queue_drops_newest>("limits.queue_drop", kDrops,
                                            "Which message a full queue drops"),
    number<kBroker, &B::client_bytes>(
        "limits.client_bytes", "bytes", {1'024, kMaxU32},
        "Memory of a client: queue, inflight messages, outbox, subscriptions, aliases; one message "
        "always fits",
        "A message is dropped by limits.queue_drop and counted"),
    number<kBroker, &B::outbox_bytes>("limits.outbox_bytes", "bytes", {1'024, kMaxU32},
                                      "Bytes unwritten for a slow socket",
                                      "QoS 0 is dropped and counted, the rest stays queued"),
    // MQTT's own maximum, less a topic that came as an alias and leaves as text.
    number<kBroker, &B::packet_bytes_max>("limits.packet_bytes_max", "bytes", {64, 268'369'920},
                                          "Size of a control packet, announced to clients",
                                          "The connection closes with 0x95"),
    number<kBroker, &B::inflight_out>("limits.inflight_out", "messages", {1, kMaxU16},
                                      "QoS 1 and 2 messages sent to a client and unacknowledged",
                                      "The next ones stay queued"),
    number<kBroker, &B::inflight_in>(
        "limits.inflight_in", "messages", {1, kMaxU16},
        "QoS 1 and 2 messages from a client and unacknowledged, announced as Receive Maximum",
        "The connection closes with 0x93"),
    number<kBroker, &B::client_id_bytes>("limits.client_id_bytes", "bytes", {23, kMaxU16},
                                         "Length of a client identifier",
                                         "CONNECT is refused with 0x85 (return code 2)"),
    number<kBroker, &B::topic_levels>("limits.topic_levels", "levels", {1, kMaxU16},
                                      "Levels of a topic name or filter",
                                      "0x90 for a topic name, 0x8F for a filter"),
    number<kBroker, &B::topic_aliases>("limits.topic_aliases", "aliases", {0, kMaxU16},
                                       "Topic aliases of a connection, either way; 0: none",
                                       "The connection closes with 0x94"),
    number<kBroker, &B::sessions_max>("limits.sessions", "sessions", {1, 100'000'000},
                                      "Sessions kept",
                                      "The session that has been absent longest ends"),
    number<kBroker, &B::session_expiry_max_s>(
        "limits.session_expiry_max_s", "seconds", {0, kMaxU32},
        "Time that an absent session is kept at most, also below version 5",
        "The session ends; a version 5 client is told the time when it asks for more"),
    number<kBroker, &B::retained_messages>("limits.retained_messages", "messages", {0, kMaxU32},
                                           "Retained messages",
                                           "The message is delivered, not stored; 0x97"),
    number<kBroker, &B::retained_bytes>("limits.retained_bytes", "bytes",
                                        {0, std::uint64_t{1} << 50}, "Memory of retained messages",
                                        "The message is delivered, not stored; 0x97"),
    number<kBroker, &B::mail_credit>(
        "limits.mail", "messages", {1, 1'000'000},
        "Messages from one core to another that it has not finished",
        "The clients whose messages they are wait: nothing more is read from them"),
    number<kBroker, &B::memory_max>(
        "memory.max", "bytes", {0, std::uint64_t{1} << 50},
        "Memory of the broker; 0: three quarters of the machine's or the container's",
        "From 85 % on CONNECT is refused with 0x89 (return code 3); from 92 % QoS 0 is not "
        "buffered "
        "and nothing more is retained; from 97 % publishers are not read and the most expensive "
        "clients are ended with 0x97"),
    number<kBroker, &B::shutdown_timeout_s>("limits.shutdown_timeout_s", "seconds", {0, 3600},
                                            "Time that a stop waits for slow readers",
                                            "Their connections are cut"),

    number<kBroker, &B::maximum_qos>("mqtt.maximum_qos", "QoS", {0, 2},
                                     "The highest QoS that clients may use"),
    toggle<kBroker, &B::retain_available>("mqtt.retain_available", "Retained messages are allowed"),
    toggle<kBroker, &B::wildcard_subscriptions>("mqtt.wildcard_subscriptions",
                                                "Topic filters with + and # are allowed"),
    toggle<kBroker, &B::shared_subscriptions>("mqtt.shared_subscriptions",
                                              "Topic filters beginning with $share are allowed"),
    choice<kBroker, &B::share_strategy>("mqtt.share_strategy", kStrategies,
                                        "How a share group picks the member for a message"),
    toggle<kBroker, &B::subscription_identifiers>("mqtt.subscription_identifiers",
                                                  "Subscription identifiers are allowed"),
    toggle<kBroker, &B::keeps_stream_subscriptions>(
        "mqtt.keep_stream_subscriptions",
        "Of a QUIC client with several streams, the session keeps the subscriptions of all; "
        "otherwise those of the first"),
    toggle<kBroker, &B::long_client_ids_v3>(
        "mqtt.long_client_ids_v3", "MQTT 3.1 clients may have identifiers of more than 23 bytes"),
    number<kBroker, &B::server_keep_alive_s>(
        "mqtt.server_keep_alive_s", "seconds", {0, kMaxU16},
        "The keep alive of every version 5 client; 0: what it asks for"),
    number<kBroker, &B::keep_alive_max_s>(
        "mqtt.keep_alive_max_s", "seconds", {0, kMaxU16},
        "The longest keep alive, and that of clients without one; 0: any"),

    number<kBroker, &B::sys_interval_s>("sys.interval_s", "seconds", {0, kDayS},
                                        "Time between two updates of the $SYS topics; 0: none"),

    number<kTcp, &TcpOptions::backlog>("tcp.backlog", "connections", {1, kMaxU16},
                                       "Connections that wait to be accepted"),
    number<kTcp, &TcpOptions::user_timeout_ms>(
        "tcp.user_timeout_ms", "milliseconds",
        {0, kDayS * 1000},
        "Time that sent bytes may stay unacknowledged before the connection ends; 0: the system's"),
    number<kTcp, &TcpOptions::notsent_lowat_bytes>(
        "tcp.notsent_lowat_bytes", "bytes", {1, 1 << 30},
        "Unsent bytes in the kernel before a socket takes no more"),

    path<kQuicFiles, &quic::TlsFiles::certificate>(
        "quic.certificate",
        "PEM file of the certificate that QUIC clients see, those that lead to its authority after "
        "it; SIGHUP has it read again"),
    path<kQuicFiles, &quic::TlsFiles::key>("quic.key",
                                           "PEM file of its private key, without a password"),
    path<kQuicFiles, &quic::TlsFiles::client_authorities>(
        "quic.client_ca",
        "PEM file of the authorities of client certificates; when set, a QUIC client without a "
        "certificate of theirs is refused in the handshake"),
    choice<kQuic, &Q::early_data>(
        "quic.early_data", kEarlyData,
        "What QUIC clients that resume a session may say with their first packet: off: nothing; "
        "connect: CONNECT, and whatever else is held, acts when the handshake is complete, so that "
        "nobody gains by sending it again; full: it acts at once, under a ticket that has never "
        "been used"),
    number<kQuic, &Q::early_tickets>(
        "quic.early_tickets", "tickets", {8, 100'000'000},
        "Used tickets that are remembered for 13 hours, all cores together, where quic.early_data "
        "is full; 8 bytes each",
        "Early data is refused, and sent again by the client"),
    number<kQuic, &Q::keys_days>(
        "quic.keys_days", "days", {0, 3'650},
        "Age at which the keys are replaced that seal connection ids, address tokens and tickets, "
        "while the broker runs or at its start; 0: never"),
    number<kQuic, &Q::connections>("quic.connections", "connections", {1, 100'000'000},
                                   "QUIC connections of a core, at each address, with those whose "
                                   "handshake is not complete",
                                   "Who wants to connect gets no answer, and tries again"),
    number<kQuic, &Q::half_open>(
        "quic.half_open", "handshakes", {1, 10'000'000},
        "QUIC handshakes of a core, at each address, that are not complete",
        "Who wants to connect gets no answer, and tries again"),
    number<kQuic, &Q::half_open_per_network>(
        "quic.half_open_per_network", "handshakes", {1, 10'000'000},
        "The same of one source network, an IPv4 /24 or an IPv6 /48; half of them for clients that "
        "have yet to show that they are at their address, who are sent a Retry packet beyond",
        "Who wants to connect from there gets no answer, and tries again"),
    blocks<kQuic, &Q::unlimited_sources>(
        "quic.unlimited_sources",
        "Sources, as 10.0.0.0/8 and 2001:db8::/32, that quic.half_open_per_network does not hold "
        "for: those of load tests, and of networks that very many clients share"),
    number<kQuic, &Q::retry_from>(
        "quic.retry_from", "handshakes", {0, 10'000'000},
        "QUIC handshakes of a core, at each address, from which a client must first show that it "
        "is at its address; at most half of quic.windows",
        "It is sent a Retry packet, which costs it a round trip"),
    number<kQuic, &Q::handshake_timeout_s>(
        "quic.handshake_timeout_s", "seconds", {1, 3600},
        "Time for a QUIC handshake, and then for the first stream", "Its connection is forgotten"),
    number<kQuic, &Q::user_timeout_ms>(
        "quic.user_timeout_ms", "milliseconds", {100, kDayS * 1000},
        "Time that a QUIC client may be silent while it has yet to acknowledge what was sent",
        "Its connection is forgotten"),
    number<kQuic, &Q::streams>("quic.streams", "streams", {1, 1'024},
                               "Streams that a QUIC client may have open",
                               "It waits until one has ended"),
    number<kQuic, &Q::stream_bytes>("quic.stream_bytes", "bytes", {1'024, 2 << 20},
                                    "Bytes unread of a stream; up to four times as much for a "
                                    "client that sends fast and is read as fast",
                                    "The client waits for credit"),
    number<kQuic, &Q::connection_bytes>("quic.connection_bytes", "bytes", {1'024, 2 << 20},
                                        "The same of all streams of a connection",
                                        "The client waits for credit"),
    number<kQuic, &Q::streams_per_second>(
        "quic.streams_per_second", "streams", {1, 65'535},
        "New streams of a connection in a second, beyond those that may be open",
        "The client waits for credit until the second is over"),
    number<kQuic, &Q::held_bytes>("quic.held_bytes", "bytes", {1'024, 2 << 20},
                                  "Bytes unread of a connection before its client has been let in",
                                  "The client waits for credit"),
    number<kQuic, &Q::held_stream_bytes>(
        "quic.held_stream_bytes", "bytes", {1'024, 2 << 20},
        "The same of each stream; of the first only before the handshake is complete",
        "The client waits for credit"),
    number<kQuic, &Q::forwards>(
        "quic.forwards", "datagrams", {1, 65'536},
        "Datagrams on their way from one core to one other, for connections that have moved there",
        "They are lost, as in a network"),
    number<kQuic, &Q::held_datagrams>(
        "quic.held_datagrams", "datagrams", {1, 65'536},
        "Datagrams that a core holds for connections on their way to it",
        "They are lost, as in a network"),
    number<kQuic, &Q::windows>(
        "quic.windows", "connections", {8, 65'536},
        "QUIC connections of a core, at each address, that are not parked: about 100 KB each",
        "One of those that are quiet is parked; that, and bringing another back, takes 10 us"),
    number<kQuic, &Q::pinned>(
        "quic.pinned", "connections", {0, 65'536},
        "QUIC connections of a core, at each address, that are never parked while their state in "
        "use is above 256 KiB; at most half of quic.windows",
        "The next large one is parked like any other"),
    number<kQuic, &Q::wakes>(
        "quic.wakes", "connections", {1, 10'000'000},
        "Parked QUIC connections of a core, at each address, that were woken to send and have yet "
        "to acknowledge it",
        "The next ones wait until one has, or until its probe timeout is over"),
    number<kQuic, &Q::live_ciphers>("quic.live_ciphers", "ciphers", {8, 1'000'000},
                                    "Ciphers that a core keeps for the packets that follow, 750 "
                                    "bytes each",
                                    "One is freed, and made again when a packet needs it"),
    number<kQuic, &Q::resets_per_second>(
        "quic.resets_per_second", "packets", {0, 1'000'000},
        "Answers of a core, in a second, to clients that it has forgotten",
        "There is none, and the client finds out by silence"),
};

// As a TOML file has it. What is no character of a line is written by its number.
std::string quoted(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += fmt::format("\\{}", c);
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            quoted += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        else quoted += c;
    }
    return quoted + '"';
}

// An array of what has a text().
template <typename T>
std::string array_text(const std::vector<T>& elements) {
    std::string text;
    for (const T& element : elements)
        text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", element.text());
    return '[' + text + ']';
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_numeric_address(const std::string& host) {
    // The system's parser would see no more than what comes before a NUL.
    return host.find('\0') == host.npos && SocketAddress::parse(host, 0);
}

Result<Endpoint, std::string> checked_endpoint(std::string_view text) {
    auto endpoint = parse_endpoint(text);
    if (endpoint && !endpoint->host.empty() && !is_numeric_address(endpoint->host))
        return fmt::format("'{}': the host is a numeric address, as in 127.0.0.1:1883", text);
    return endpoint;
}

// "a, b": what `parse` makes of each.
template <typename T>
Result<std::vector<T>, std::string> parse_list(std::string_view text,
                                               Result<T, std::string> (*parse)(std::string_view)) {
    std::vector<T> elements;
    for (bool is_last = false; !is_last;) {
        const std::size_t comma = text.find(',');
        STARLING_TRY(element, parse(trimmed(text.substr(0, comma))));
        elements.push_back(element);
        is_last = comma == text.npos;
        text.remove_prefix(is_last ? text.size() : comma + 1);
    }
    return elements;
}

// Nothing is none.
Result<std::vector<AddressBlock>, std::string> parse_blocks(std::string_view text) {
    if (trimmed(text).empty()) return std::vector<AddressBlock>();
    STARLING_TRY(blocks, parse_list<AddressBlock>(text, AddressBlock::parse));
    if (blocks.size() > limits::kAddressBlocks)
        return fmt::format("{} blocks of addresses: at most {}", blocks.size(),
                           limits::kAddressBlocks);
    return std::move(blocks);
}

// Levenshtein's.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string Option::text(const Options& options) const {
    switch (kind) {
        case Kind::Number: return fmt::to_string(get(options));
        case Kind::Switch: return get(options) ? "true" : "false";
        case Kind::Choice: return fmt::format("\"{}\"", words[get(options)]);
        case Kind::Path: return quoted(path(const_cast<Options&>(options)));
        case Kind::Blocks: return array_text(blocks(const_cast<Options&>(options)));
        case Kind::Endpoints: break;
    }
    return array_text(options.listen);
}

std::string Option::range() const {
    switch (kind) {
        case Kind::Number: return fmt::format("{} to {}", minimum, maximum);
        case Kind::Switch: return "true or false";
        case Kind::Choice: return fmt::format("{}", fmt::join(words, ", "));
        case Kind::Path: return "a path";
        case Kind::Blocks: return "blocks of addresses";
        case Kind::Endpoints: break;
    }
    return "addresses";
}

Result<void, std::string> Option::parse(Options& options, std::string_view value) const {
    const auto wrong = [&] {
        return fmt::format("'{}' is not a value of {}: {}{}{}", value, name, range(),
                           *unit ? " " : "", unit);
    };
    if (kind == Kind::Endpoints) {
        STARLING_SET(options.listen, parse_list<Endpoint>(value, checked_endpoint));
        return {};
    }
    if (kind == Kind::Blocks) {
        auto parsed = parse_blocks(value);
        if (!parsed) return fmt::format("{}: {}", name, parsed.error());
        blocks(options) = std::move(*parsed);
        return {};
    }
    if (kind == Kind::Path) {
        if (value.find('\0') != value.npos) return wrong();  // the system would see half of it
        path(options) = value;
        return {};
    }
    std::uint64_t parsed = 0;
    if (kind == Kind::Number) {
        const char* end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, parsed);
        if (error != std::errc{} || stop != end || parsed < minimum || parsed > maximum)
            return wrong();
    } else if (kind == Kind::Switch) {
        if (value != "true" && value != "false") return wrong();
        parsed = value == "true";
    } else {
        const auto word = std::find(words.begin(), words.end(), value);
        if (word == words.end()) return wrong();
        parsed = static_cast<std::uint64_t>(word - words.begin());
    }
    set(options, parsed);
    return {};
}

std::span<const Option> all_options() { return kOptions; }

const Option* find_option(std::string_view name) {
    const auto* found = std::find_if(std::begin(kOptions), std::end(kOptions),
                                     [&](const Option& option) { return name == option.name; });
    return found == std::end(kOptions) ? nullptr : found;
}

const Option& nearest_option(std::string_view name) {
    const std::string_view start = name.substr(0, 64);  // a name may come from anywhere
    return *std::min_element(std::begin(kOptions), std::end(kOptions),
                             [&](const Option& a, const Option& b) {
                                 return edit_distance(start, a.name) < edit_distance(start, b.name);
                             });
}

std::string variable_of(const Option& option) {
    std::string name = fmt::format("STARLING_{}", option.name);
    for (char& c : name) c = c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    return name;
}

}  // namespace starling
