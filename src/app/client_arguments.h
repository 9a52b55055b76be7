// What the command lines of `starling pub` and `starling sub` mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/quic_flags.h"
#include "app/sub_format.h"
#include "app/usage_error.h"
#include "base/result.h"
#include "client/client.h"

namespace starling {

// --- As they were typed --------------------------------------------------------------------------

struct ClientFlags {
    std::optional<std::string> host, url, id, id_prefix, user_name, password, session_expiry;
    std::optional<std::string> will_topic, will_payload;
    std::optional<int> port, will_qos;
    std::string version = "mqttv311";
    int keep_alive_s = 60;
    bool keeps_session = false, is_will_retained = false;
    bool prints_packets = false, is_quiet = false;
    std::vector<std::string> topics;
    std::vector<std::string> property_words;  // of every -D, one after the other
    QuicFlags quic;
    std::optional<std::string> ticket_file;
    std::optional<int> streams;
    bool is_early = false;
};

struct PubFlags : ClientFlags {
    std::optional<std::string> text, file;
    bool is_input = false, is_lines = false, is_null = false, is_retained = false;
    bool has_line_topics = false;
    int qos = 0, inflight_max = 20;
    std::int64_t repeat = 1;
    double repeat_delay_s = 0;
};

struct SubFlags : ClientFlags {
    std::vector<std::string> filtered_out, unsubscribes;
    std::optional<std::string> format;
    std::optional<std::int64_t> count, timeout_s;
    int qos = 0;
    double printed_percent = 100;
    bool prints_topic = false, keeps_lines_open = false, is_pretty = false;
    bool exits_when_subscribed = false, retains_as_published = false;
    bool ignores_retained = false, only_retained = false, clears_retained = false;
};

// --- As they are meant ---------------------------------------------------------------------------

struct QuicArguments {
    quic::ClientTrust trust;
    std::string ticket_file;  // "": none
    bool is_early = false;    // sends CONNECT as early data, if the ticket permits it
};

struct ClientArguments {
    ClientOptions options;
    std::optional<QuicArguments> quic;  // none: over TCP
    PropertyWriter disconnect_properties;
    bool prints_packets = false;
    bool is_quiet = false;
};

struct PubArguments : ClientArguments {
    OutgoingMessage message;  // without its payload where each line of the input is one
    bool reads_lines = false;
    bool has_line_topics = false;  // each begins with its topic: the message has none
    std::uint32_t repeat = 1;
    TimeMs repeat_delay_ms = 0;
};

struct SubArguments : ClientArguments {
    SubscribeRequest subscribe;
    UnsubscribeRequest unsubscribe;         // may be empty
    std::vector<std::string> filtered_out;  // topic filters of messages to disregard
    std::optional<MessageFormat> format;
    bool prints_topic = false;  // before the payload, where there is no format
    bool ends_lines = true;
    std::uint32_t count = 0;  // messages to print; 0: no limit
    TimeMs timeout_ms = 0;    // 0: none
    double printed_percent = 100;
    bool exits_when_subscribed = false;
    bool ignores_retained = false;
    bool only_retained = false;
    bool clears_retained = false;
};

// Loads the payload from its file or from standard input.
Result<PubArguments, UsageError> understand(const PubFlags& flags);
Result<SubArguments, UsageError> understand(const SubFlags& flags);

}  // namespace starling
