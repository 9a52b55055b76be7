#include "app/bench_arguments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <netdb.h>

#include <fmt/format.h>

#include "load/fleet.h"
#include "load/roster.h"
#include "load/usage.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"
#include "transport/quic/dialer.h"
#include "transport/socket.h"

namespace starling {
namespace {

using Checked = Result<void, UsageError>;

// Descriptors of a process that are no client's.
constexpr std::uint64_t kReservedDescriptors = 64;

// Ledgers cost 16 bytes each.
constexpr std::uint64_t kLedgersMax = 100'000'000;

constexpr std::uint32_t kDurationS = 10;

constexpr std::uint16_t kPort = 1883;

UsageError wrong(std::string text) { return {std::move(text)}; }

Result<std::string, UsageError> numeric(const std::string& host) {
    if (SocketAddress::parse(host, 0)) return host;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0)
        return wrong(fmt::format("{}: {}", host, ::gai_strerror(error)));
    std::array<char, NI_MAXHOST> text{};
    ::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0,
                  NI_NUMERICHOST);
    ::freeaddrinfo(found);
    return std::string(text.data());
}

// The processes load the files each for itself; what is wrong with one is said before.
Checked take_quic(const BenchFlags& flags, LoadScenario& scenario) {
    STARLING_SET(scenario.quic, understand(flags.quic, flags.host));
    scenario.server_name = flags.host;
    if (!scenario.quic) return {};
    const auto tls = quic::TlsContext::client(*scenario.quic);
    if (!tls) return wrong(tls.error());
    return {};
}

// --- Modes ---------------------------------------------------------------------------------------

struct Mode {
    const char* name;
    std::vector<ClientGroup> (*groups)(const ModeSettings&);
    std::uint32_t clients, publishers, subscribers;  // by default
    bool subscribes;                                 // to what is published here
    std::uint32_t window = 32;                       // by default
};
constexpr Mode kModes[] = {
    {"conn", connecting_groups, 1'000, 0, 0, true},
    {"pub", publishing_groups, 0, 10, 0, false},
    {"sub", subscribing_groups, 0, 0, 10, true},
    {"p2p", pair_groups, 100, 0, 0, true},
    {"fanout", crossed_groups, 0, 1, 100, true},
    {"fanin", crossed_groups, 0, 100, 1, true, 8},  // or a subscriber's queue would overflow
};

// In `pub` and `sub` the clients are those.
void take_counts(const BenchFlags& flags, const Mode& mode, ModeSettings& settings) {
    settings.clients = flags.clients.value_or(mode.clients);
    settings.publishers = flags.publishers.value_or(flags.clients.value_or(mode.publishers));
    settings.subscribers = flags.subscribers.value_or(flags.clients.value_or(mode.subscribers));
}

// A closed loop by default; what nobody answers and nobody here receives goes as fast as it may.
Checked take_pace(const BenchFlags& flags, const Mode& mode, PublishPlan& plan) {
    const bool is_watched = plan.qos != Qos::AtMostOnce || mode.subscribes;
    if (flags.window && !is_watched)
        return wrong("nobody answers for QoS 0 in pub: no --window, but perhaps a --rate");
    if (flags.rate) plan.per_second = *flags.rate;
    else if (is_watched) plan.window = flags.window.value_or(mode.window);
    return {};
}

Result<ModeSettings, UsageError> settings_of(const BenchFlags& flags, const Mode& mode) {
    ModeSettings settings;
    take_counts(flags, mode, settings);
    settings.prefix = flags.topic;
    settings.keep_alive_s = flags.keep_alive_s;
    settings.publish.qos = static_cast<Qos>(flags.qos);
    settings.publish.bytes = flags.payload_bytes;
    STARLING_CHECK(take_pace(flags, mode, settings.publish));
    settings.share = flags.share;
    settings.background_filters = flags.background_filters;
    settings.uses_wildcard = flags.uses_wildcard;
    settings.has_own_filter = flags.has_own_filter;
    settings.broadcasts = flags.broadcasts;
    return settings;
}

Checked take_groups(const BenchFlags& flags, LoadScenario& scenario) {
    if (flags.mode == "mixed") {
        if (flags.profile.empty()) return wrong("mixed needs --profile FILE");
        auto groups = read_fleet(flags.profile);
        if (!groups) return wrong(groups.error());
        scenario.groups = std::move(*groups);
        return {};
    }
    const auto mode = std::find_if(std::begin(kModes), std::end(kModes),
                                   [&](const Mode& one) { return flags.mode == one.name; });
    if (mode == std::end(kModes)) return wrong(fmt::format("there is no mode '{}'", flags.mode));
    STARLING_TRY(settings, settings_of(flags, *mode));
    scenario.groups = mode->groups(settings);
    scenario.counts_any_flow = flags.mode == "sub";
    return {};
}

// --- Processes -----------------------------------------------------------------------------------

bool is_shared(const ClientGroup& group) {
    return std::any_of(group.subscribes.begin(), group.subscribes.end(),
                       [](const SubscribePlan& plan) { return !plan.share.empty(); });
}

// Those who share a subscription live in one process, as only together they know what has come.
std::uint64_t clients_of_one(const LoadScenario& scenario, std::uint32_t processes) {
    std::uint64_t most = 0;
    for (const ClientGroup& group : scenario.groups)
        most += is_shared(group) ? group.count : (group.count + processes - 1) / processes;
    return most;
}

Checked take_processes(const BenchFlags& flags, std::uint64_t descriptors_max,
                       LoadScenario& scenario) {
    const std::uint64_t sockets =
        descriptors_max > kReservedDescriptors ? descriptors_max - kReservedDescriptors : 1;
    const std::uint64_t room = scenario.quic ? sockets * quic::QuicDialer::kPerSocket : sockets;
    std::uint32_t least = 1;
    while (least < 10'000 && clients_of_one(scenario, least) > room) ++least;
    if (least == 10'000)
        return wrong(fmt::format("clients that share need more than {} descriptors of one process",
                                 descriptors_max));
    scenario.processes = flags.processes.value_or(least);
    if (scenario.processes < least)
        return wrong(fmt::format("a process may open {} descriptors: --processes {} at least",
                                 descriptors_max, least));
    return {};
}

// A closed loop at QoS 0 goes by arrivals: each process that publishes must see some.
Checked check_closed_loops(const LoadScenario& scenario) {
    if (scenario.processes == 1) return {};
    bool is_any_watched = false, sees_each_process = true;
    for (const ClientGroup& group : scenario.groups) {
        for (const PublishPlan& plan : group.publishes)
            is_any_watched |= plan.qos == Qos::AtMostOnce && plan.window != 0;
        if (!group.subscribes.empty())
            sees_each_process &= !is_shared(group) && group.count >= scenario.processes;
    }
    if (!is_any_watched || sees_each_process) return {};
    return wrong(fmt::format(
        "a --window at QoS 0 is watched by subscribers in each of {} processes: more subscribers "
        "that share nothing, or a --rate",
        scenario.processes));
}

Checked check_sizes(const LoadScenario& scenario) {
    const Roster roster(scenario);
    if (roster.flows() > kFlowsMax)
        return wrong(
            fmt::format("{} publishers are too many: {} at most", roster.flows(), kFlowsMax));
    std::uint64_t ledgers = 0;
    for (const ClientGroup& group : scenario.groups)
        for (const SubscribePlan& plan : group.subscribes)
            ledgers += std::uint64_t{group.count} * (has_place(plan.filter) ? 1 : roster.flows());
    if (ledgers > kLedgersMax)
        return wrong(fmt::format("{} pairs of publisher and subscriber are too many: {} at most",
                                 ledgers, kLedgersMax));
    return {};
}

// What is put behind the prefix and around the group must still be a topic and a filter.
Checked check_topics(const BenchFlags& flags) {
    constexpr std::size_t kMost = 1'000;
    if (flags.topic.size() > kMost || flags.share.size() > kMost)
        return wrong(fmt::format("--topic and --shared have {} bytes at most", kMost));
    const bool is_fit = is_mqtt_text(flags.topic) && is_topic_name(flags.topic) &&
                        !has_place(flags.topic) && flags.topic.front() != '$';
    if (!is_fit)
        return wrong(fmt::format(
            "--topic is a topic without wildcards that begins with no $, not '{}'", flags.topic));
    if (!is_mqtt_text(flags.share) || flags.share.find_first_of("/+#") != flags.share.npos)
        return wrong(fmt::format("--shared is a name without / + and #, not '{}'", flags.share));
    return {};
}

// A range lets pass what is no number.
Checked check_rates(const BenchFlags& flags) {
    if (std::isnan(flags.rate.value_or(0)) || std::isnan(flags.connect_rate))
        return wrong("--rate and --connect-rate are numbers");
    return {};
}

}  // namespace

Result<BenchArguments, UsageError> understand(const BenchFlags& flags,
                                              std::uint64_t descriptors_max, std::uint8_t run) {
    STARLING_CHECK(check_topics(flags));
    STARLING_CHECK(check_rates(flags));
    if (flags.broker_process != 0 && !usage_of(flags.broker_process))
        return wrong(fmt::format("--broker-pid: there is no process {}", flags.broker_process));
    BenchArguments arguments{
        .broker = flags.broker_process, .is_json = flags.is_json, .is_quiet = flags.is_quiet};
    LoadScenario& scenario = arguments.scenario;
    STARLING_CHECK(take_groups(flags, scenario));
    STARLING_SET(scenario.host, numeric(flags.host));
    STARLING_CHECK(take_quic(flags, scenario));
    scenario.mode = flags.mode;
    scenario.port = flags.port.value_or(flags.quic.is_quic ? kQuicPort : kPort);
    scenario.version = flags.version == 4 ? Version::V4 : Version::V5;
    scenario.run = run;
    scenario.connect_rate = flags.connect_rate;
    scenario.hold_s = flags.hold_s;
    const bool has_window = flags.mode != "conn" || flags.broadcasts;
    scenario.warmup_s = flags.mode == "conn" ? 0 : flags.warmup_s;
    scenario.duration_s = has_window ? flags.duration_s.value_or(kDurationS) : 0;
    STARLING_CHECK(take_processes(flags, descriptors_max, scenario));
    STARLING_CHECK(check_closed_loops(scenario));
    STARLING_CHECK(check_sizes(scenario));
    return arguments;
}

}  // namespace starling
