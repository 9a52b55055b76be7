#include "app/client_arguments.h"

#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "app/client_properties.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"
#include "mqtt/varint.h"

namespace starling {
namespace {

using Checked = Result<void, UsageError>;

constexpr std::size_t kTextBytesMax = 65'535;

UsageError wrong(std::string text) { return {std::move(text)}; }

template <typename Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

ByteVector bytes_of(std::string_view text) {
    const Bytes bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

Result<Qos, UsageError> qos(int level) {
    if (level < 0 || level > 2) return wrong(fmt::format("Invalid QoS given: {}", level));
    return static_cast<Qos>(level);
}

Checked check_topic(const std::string& topic, const char* what) {
    if (!is_mqtt_text(topic)) return wrong(fmt::format("Malformed UTF-8 in {} topic.", what));
    if (!is_topic_name(topic) || topic.size() > kTextBytesMax)
        return wrong(
            fmt::format("Invalid {} topic '{}', does it contain '+' or '#'?", what, topic));
    return {};
}

Checked check_filters(const std::vector<std::string>& filters, const char* what) {
    for (const std::string& filter : filters) {
        if (!is_mqtt_text(filter)) return wrong(fmt::format("Malformed UTF-8 in {} topic.", what));
        if (!is_topic_filter(filter) || filter.size() > kTextBytesMax)
            return wrong(fmt::format(
                "Invalid {} topic '{}', are all '+' and '#' wildcards correct?", what, filter));
    }
    return {};
}

// --- The server and the client -------------------------------------------------------------------

// "user" or "user:password".
void take_login(std::string_view text, ClientOptions& options) {
    const std::size_t colon = text.find(':');
    options.user_name = text.substr(0, colon);
    if (colon != std::string_view::npos) options.password = text.substr(colon + 1);
}

// "host", "host:port" or "[v6]:port".
Checked take_host(std::string_view text, ClientOptions& options) {
    const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    if (bracket == std::string_view::npos) return wrong("Invalid host in the URL.");
    const std::size_t colon = text.find(':', bracket);
    if (colon != std::string_view::npos) {
        const auto port = number<std::uint16_t>(text.substr(colon + 1));
        if (!port || *port == 0) return wrong("Invalid port in the URL.");
        options.port = *port;
    }
    options.host = bracket == 0 ? text.substr(0, colon) : text.substr(1, bracket - 1);
    if (options.host.empty()) return wrong("Invalid URL for -L argument specified - host missing.");
    return {};
}

// mqtt://[user[:password]@]host[:port]/topic, whose topic goes to `topics`.
Checked take_url(std::string_view url, ClientOptions& options, std::vector<std::string>& topics) {
    static constexpr std::string_view kScheme = "mqtt://";
    if (url.starts_with("mqtts://")) return not_in_this_build("mqtts://");
    if (!url.starts_with(kScheme)) return wrong("unsupported URL scheme.");
    url.remove_prefix(kScheme.size());

    const std::size_t slash = url.find('/');
    if (slash == std::string_view::npos || slash + 1 == url.size())
        return wrong("Invalid URL for -L argument specified - topic missing.");
    topics.emplace_back(url.substr(slash + 1));

    std::string_view server = url.substr(0, slash);
    if (const std::size_t at = server.rfind('@'); at != std::string_view::npos) {
        take_login(server.substr(0, at), options);
        server.remove_prefix(at + 1);
    }
    return take_host(server, options);
}

Checked take_server(const ClientFlags& flags, ClientOptions& options,
                    std::vector<std::string>& topics) {
    topics = flags.topics;
    if (flags.quic.is_quic) options.port = kQuicPort;
    if (flags.url) STARLING_CHECK(take_url(*flags.url, options, topics));
    if (flags.host) options.host = *flags.host;
    if (flags.port) {
        if (*flags.port < 1 || *flags.port > 65'535)
            return wrong(fmt::format("Invalid port given: {}", *flags.port));
        options.port = static_cast<std::uint16_t>(*flags.port);
    }
    if (flags.user_name) options.user_name = flags.user_name;
    if (flags.password) options.password = flags.password;
    return {};
}

Checked take_streams(const ClientFlags& flags, ClientOptions& options) {
    if (!flags.streams) return {};
    if (!flags.quic.is_quic) return wrong("--streams needs --quic.");
    if (*flags.streams < 1 || *flags.streams > kFurtherStreamsMax)
        return wrong(
            fmt::format("--streams argument must be between 1 and {}.", kFurtherStreamsMax));
    options.further_streams = static_cast<std::uint16_t>(*flags.streams);
    return {};
}

Checked take_quic(const ClientFlags& flags, ClientArguments& arguments) {
    STARLING_TRY(trust, understand(flags.quic, arguments.options.host));
    if (flags.ticket_file && !trust) return wrong("--ticket-file needs --quic.");
    if (flags.is_early && !flags.ticket_file) return wrong("--early-data needs --ticket-file.");
    STARLING_CHECK(take_streams(flags, arguments.options));
    if (trust)
        arguments.quic = {.trust = std::move(*trust),
                          .ticket_file = flags.ticket_file.value_or(""),
                          .is_early = flags.is_early};
    return {};
}

Checked take_version(const ClientFlags& flags, ClientOptions& options) {
    const std::string& version = flags.version;
    const bool has_properties = !flags.property_words.empty();  // which ask for version 5
    if (version == "mqttv5" || version == "5" || has_properties) options.version = Version::V5;
    else if (version == "mqttv311" || version == "311") options.version = Version::V4;
    else if (version == "mqttv31" || version == "31") options.version = Version::V3;
    else return wrong("Invalid protocol version argument given.");

    if (options.password && !options.user_name && options.version != Version::V5)
        return wrong("A password without a user name needs version 5.");
    return {};
}

// The server finds an id for a client that has none; MQTT 3.1 asks for one.
Checked take_client_id(const ClientFlags& flags, ClientOptions& options) {
    if (flags.id && flags.id_prefix) return wrong("-i and -I argument cannot be used together.");
    if (flags.id) options.client_id = *flags.id;
    else if (flags.id_prefix) options.client_id = *flags.id_prefix + std::to_string(::getpid());
    else if (options.version == Version::V3)
        options.client_id = "starling-" + std::to_string(::getpid());

    if (flags.keep_alive_s < 5 || flags.keep_alive_s > 65'535)
        return wrong("Invalid keepalive given, it must be between 5 and 65535 inclusive.");
    options.keep_alive_s = static_cast<std::uint16_t>(flags.keep_alive_s);
    return {};
}

Checked take_session(const ClientFlags& flags, ClientOptions& options) {
    options.clean_start = !flags.keeps_session;
    if (flags.keeps_session) {
        if (!flags.id) return wrong("You must provide a client id if you are using the -c option.");
        options.session_expiry_interval_s = kNoExpiry;
    }
    if (!flags.session_expiry) return {};

    const bool is_infinite = *flags.session_expiry == "∞" || *flags.session_expiry == "-1";
    const auto seconds = is_infinite ? kNoExpiry : number<std::uint32_t>(*flags.session_expiry);
    if (!seconds) return wrong("session-expiry-interval not a number, or out of range.");
    if (*seconds == kNoExpiry && options.client_id.empty())
        return wrong(
            "You must provide a client id if you are using an infinite session expiry interval.");
    options.session_expiry_interval_s = *seconds;
    return {};
}

Checked take_will(const ClientFlags& flags, ClientOptions& options) {
    if (!flags.will_topic) {
        if (flags.will_payload) return wrong("Will payload given, but no will topic given.");
        if (flags.will_qos) return wrong("Will QoS given, but no will topic given.");
        if (flags.is_will_retained) return wrong("Will retain given, but no will topic given.");
        return {};
    }
    STARLING_CHECK(check_topic(*flags.will_topic, "will"));
    const std::string payload = flags.will_payload.value_or("");
    if (payload.size() > kTextBytesMax) return wrong("The will's payload is above 65535 bytes.");
    STARLING_TRY(level, qos(flags.will_qos.value_or(0)));
    options.will = {.topic = *flags.will_topic,
                    .payload = bytes_of(payload),
                    .qos = level,
                    .retain = flags.is_will_retained,
                    .properties = {}};
    return {};
}

Checked take_client(const ClientFlags& flags, ClientArguments& arguments,
                    std::vector<std::string>& topics) {
    arguments.options.packet_bytes_max = kPacketBytesMax;
    arguments.options.reconnect.wait_ms_max = 10'000;
    STARLING_CHECK(take_server(flags, arguments.options, topics));
    STARLING_CHECK(take_quic(flags, arguments));
    STARLING_CHECK(take_version(flags, arguments.options));
    STARLING_CHECK(take_client_id(flags, arguments.options));
    STARLING_CHECK(take_session(flags, arguments.options));
    STARLING_CHECK(take_will(flags, arguments.options));
    arguments.prints_packets = flags.prints_packets;
    arguments.is_quiet = flags.is_quiet;
    return {};
}

// --- Properties ----------------------------------------------------------------------------------

// Of CONNECT; what the client must know itself has a place of its own, as in the next.
void take(const PropertyArgument& argument, ClientOptions& options) {
    const auto number16 = static_cast<std::uint16_t>(argument.number);
    switch (argument.property) {
        case Property::SessionExpiryInterval:
            options.session_expiry_interval_s = argument.number;
            break;
        case Property::ReceiveMaximum: options.receive_maximum = number16; break;
        case Property::MaximumPacketSize: options.packet_bytes_max = argument.number; break;
        case Property::TopicAliasMaximum: options.topic_alias_maximum = number16; break;
        default: add(options.properties, argument);
    }
}

void take(const PropertyArgument& argument, OutgoingMessage& message) {
    switch (argument.property) {
        case Property::MessageExpiryInterval: message.expiry_interval_s = argument.number; break;
        case Property::TopicAlias:
            message.topic_alias = static_cast<std::uint16_t>(argument.number);
            break;
        default: add(message.properties, argument);
    }
}

void take(const PropertyArgument& argument, SubscribeRequest& request) {
    if (argument.property == Property::SubscriptionIdentifier) request.identifier = argument.number;
    else add(request.properties, argument);
}

// Those of packets that the command does not send are checked and left alone.
void take(const PropertyArgument& argument, PubArguments& arguments) {
    if (argument.place == PropertyPlace::Publish) take(argument, arguments.message);
}
void take(const PropertyArgument& argument, SubArguments& arguments) {
    if (argument.place == PropertyPlace::Subscribe) take(argument, arguments.subscribe);
    if (argument.place == PropertyPlace::Unsubscribe)
        add(arguments.unsubscribe.properties, argument);
}

template <typename Arguments>
void take_anywhere(const PropertyArgument& argument, Arguments& arguments) {
    ClientOptions& options = arguments.options;
    if (argument.place == PropertyPlace::Connect) take(argument, options);
    else if (argument.place == PropertyPlace::Disconnect)
        add(arguments.disconnect_properties, argument);
    else if (argument.place != PropertyPlace::Will) take(argument, arguments);
    else if (options.will) take(argument, *options.will);
}

template <typename Arguments>
Checked take_properties(const ClientFlags& flags, Arguments& arguments) {
    std::span<const std::string> rest = flags.property_words;
    while (!rest.empty()) {
        const std::size_t count = rest.size() < 2 ? 3 : property_words(rest[1]);
        if (rest.size() < count)
            return wrong("--property argument given but not enough arguments specified.");
        const auto argument = parse_property(rest.first(count));
        if (!argument) return wrong(argument.error());
        take_anywhere(*argument, arguments);
        rest = rest.subspan(count);
    }
    return {};
}

// --- pub -----------------------------------------------------------------------------------------

Result<ByteVector, UsageError> read_all(std::istream& input, const std::string& name) {
    const std::string text(std::istreambuf_iterator<char>(input), {});
    if (input.bad() || text.size() > kVarintMax) return wrong("Error loading " + name + '.');
    return bytes_of(text);
}

Result<ByteVector, UsageError> read_file(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    if (!file) return wrong(fmt::format("Unable to open file \"{}\".", name));
    return read_all(file, fmt::format("input file \"{}\"", name));
}

Result<ByteVector, UsageError> payload(const PubFlags& flags) {
    if (flags.file) return read_file(*flags.file);
    if (!flags.is_input) return bytes_of(flags.text.value_or(""));
    auto input = read_all(std::cin, "input from stdin");
    if (input && input->empty()) return wrong("Zero length input.");
    return input;
}

Checked take_repetition(const PubFlags& flags, PubArguments& arguments) {
    if (flags.repeat < 1 || flags.repeat > UINT32_MAX)
        return wrong("--repeat argument must be >0.");
    if (!(flags.repeat_delay_s >= 0) || flags.repeat_delay_s > 1e9)
        return wrong("--repeat-delay argument must be >=0.0.");
    arguments.repeat = static_cast<std::uint32_t>(flags.repeat);
    arguments.repeat_delay_ms = static_cast<TimeMs>(flags.repeat_delay_s * 1000);
    return {};
}

Checked take_topic(const std::string& topic, PubArguments& arguments) {
    STARLING_CHECK(check_topic(topic, "publish"));
    arguments.message.topic = topic;
    arguments.message.stream = stream_of(topic, arguments.options.further_streams);
    return {};
}

Checked take_message(const PubFlags& flags, const std::vector<std::string>& topics,
                     PubArguments& arguments) {
    const int sources = flags.text.has_value() + flags.file.has_value() + flags.is_input +
                        flags.is_lines + flags.is_null;
    if (sources > 1) return wrong("Only one type of message can be sent at once.");
    if (flags.has_line_topics && !flags.is_lines) return wrong("--line-topics needs -l.");
    if (flags.has_line_topics && !topics.empty())
        return wrong("-t means nothing beside --line-topics.");
    if (sources == 0 || (topics.empty() && !flags.has_line_topics))
        return wrong("Both topic and message must be supplied.");
    STARLING_TRY(level, qos(flags.qos));
    if (!flags.has_line_topics) STARLING_CHECK(take_topic(topics.back(), arguments));
    arguments.has_line_topics = flags.has_line_topics;
    arguments.message.qos = level;
    arguments.message.retain = flags.is_retained;
    arguments.reads_lines = flags.is_lines;
    if (!flags.is_lines) STARLING_SET(arguments.message.payload, payload(flags));
    return {};
}

// --- sub -----------------------------------------------------------------------------------------

Checked take_filters(const SubFlags& flags, const std::vector<std::string>& topics,
                     SubArguments& arguments) {
    if (topics.empty()) return wrong("You must specify a topic to subscribe to.");
    STARLING_CHECK(check_filters(topics, "subscription"));
    STARLING_CHECK(check_filters(flags.unsubscribes, "unsubscribe"));
    STARLING_CHECK(check_filters(flags.filtered_out, "filter out"));
    STARLING_TRY(level, qos(flags.qos));
    for (const std::string& filter : topics)
        arguments.subscribe.filters.push_back(
            {.filter = filter, .qos = level, .retain_as_published = flags.retains_as_published});
    arguments.unsubscribe.filters = flags.unsubscribes;
    arguments.filtered_out = flags.filtered_out;
    return {};
}

Checked take_end(const SubFlags& flags, SubArguments& arguments) {
    const std::int64_t count = flags.count.value_or(1), timeout_s = flags.timeout_s.value_or(1);
    if (count < 1 || count > UINT32_MAX)
        return wrong(fmt::format("Invalid message count \"{}\".", count));
    if (timeout_s < 1 || timeout_s > UINT32_MAX)
        return wrong(fmt::format("Invalid timeout \"{}\".", timeout_s));
    if (flags.count) arguments.count = static_cast<std::uint32_t>(count);
    if (flags.timeout_s) arguments.timeout_ms = static_cast<TimeMs>(timeout_s) * 1000;
    arguments.exits_when_subscribed = flags.exits_when_subscribed;
    return {};
}

Checked take_printing(const SubFlags& flags, SubArguments& arguments) {
    if (flags.format) {
        auto format = MessageFormat::parse(*flags.format);
        if (!format) return wrong(format.error());
        format->set_pretty(flags.is_pretty);
        arguments.format = std::move(*format);
    }
    if (!(flags.printed_percent >= 0.1 && flags.printed_percent <= 100))
        return wrong("--random-filter argument must be between 0.1 and 100.0.");
    if (flags.ignores_retained && flags.only_retained)
        return wrong("Combining '-R' and '--retained-only' makes no sense.");
    arguments.printed_percent = flags.printed_percent;
    arguments.prints_topic = flags.prints_topic;
    arguments.ends_lines = !flags.keeps_lines_open;
    arguments.ignores_retained = flags.ignores_retained;
    arguments.only_retained = flags.only_retained;
    arguments.clears_retained = flags.clears_retained;
    return {};
}

}  // namespace

Result<PubArguments, UsageError> understand(const PubFlags& flags) {
    PubArguments arguments;
    std::vector<std::string> topics;
    STARLING_CHECK(take_client(flags, arguments, topics));
    STARLING_CHECK(take_repetition(flags, arguments));
    if (flags.inflight_max < 1 || flags.inflight_max > 65'535)
        return wrong("Maximum inflight messages must be greater than 0.");
    arguments.options.inflight_max = static_cast<std::uint16_t>(flags.inflight_max);
    STARLING_CHECK(take_properties(flags, arguments));
    STARLING_CHECK(take_message(flags, topics, arguments));
    return arguments;
}

Result<SubArguments, UsageError> understand(const SubFlags& flags) {
    SubArguments arguments;
    std::vector<std::string> topics;
    STARLING_CHECK(take_client(flags, arguments, topics));
    STARLING_CHECK(take_filters(flags, topics, arguments));
    STARLING_CHECK(take_end(flags, arguments));
    STARLING_CHECK(take_printing(flags, arguments));
    STARLING_CHECK(take_properties(flags, arguments));
    return arguments;
}

}  // namespace starling
