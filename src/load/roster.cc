#include "load/roster.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/assert.h"
#include "mqtt/topic.h"

namespace starling {
namespace {

// A level that no filter has.
constexpr const char* kAnyLevel = "\x01";

// The client whose number makes `level` of `plan_level`.
std::optional<std::uint32_t> client_in(std::string_view plan_level, std::string_view level) {
    const std::size_t at = plan_level.find("{}");
    if (at == plan_level.npos) return {};
    const std::string_view before = plan_level.substr(0, at), after = plan_level.substr(at + 2);
    if (level.size() <= before.size() + after.size()) return {};
    if (!level.starts_with(before) || !level.ends_with(after)) return {};

    const char* begin = level.data() + before.size();
    const char* end = level.data() + level.size() - after.size();
    std::uint32_t client = 0;
    const auto [stop, error] = std::from_chars(begin, end, client);
    return error == std::errc{} && stop == end ? std::optional(client) : std::nullopt;
}

std::vector<std::string_view> levels(std::string_view topic) {
    std::vector<std::string_view> all;
    for_each_level(topic, [&](std::string_view level) { all.push_back(level); });
    return all;
}

// The one client whose topic might match a filter that names some level of it.
std::optional<std::uint32_t> candidate(const std::string& topic, const std::string& filter) {
    const auto topic_levels = levels(topic), filter_levels = levels(filter);
    for (std::size_t at = 0; at < std::min(topic_levels.size(), filter_levels.size()); ++at)
        if (const auto client = client_in(topic_levels[at], filter_levels[at])) return client;
    return {};
}

std::string with_any_level(std::string topic) {
    for (std::size_t at; (at = topic.find("{}")) != topic.npos;) topic.replace(at, 2, kAnyLevel);
    return topic;
}

// Of the topics of clients 0 to `count`, those that match.
FlowRange matching_clients(const std::string& topic, std::uint32_t count,
                           const std::string& filter) {
    if (matches(filter, with_any_level(topic))) return {0, count};
    const auto client = candidate(topic, filter);
    if (!client || *client >= count || !matches(filter, fill_in(topic, *client))) return {};
    return {*client, *client + 1};
}

bool is_shared(const ClientGroup& group) {
    return std::any_of(group.subscribes.begin(), group.subscribes.end(),
                       [](const SubscribePlan& plan) { return !plan.share.empty(); });
}

}  // namespace

Roster::Roster(const LoadScenario& scenario) : scenario_(scenario) {
    for (std::uint32_t at = 0; at < scenario.groups.size(); ++at) {
        const ClientGroup& group = scenario.groups[at];
        first_entry_.push_back(static_cast<std::uint32_t>(entries_.size()));
        clients_ += group.count;
        for (const PublishPlan& plan : group.publishes) {
            const auto first = static_cast<std::uint32_t>(flows_);
            flows_ += group.count;
            entries_.push_back({&plan, at, {first, static_cast<std::uint32_t>(flows_)}});
        }
    }
}

std::uint32_t Roster::process_of(ClientPlace client) const {
    return is_shared(scenario_.groups[client.group]) ? 0 : client.index % scenario_.processes;
}

std::vector<ClientPlace> Roster::clients_of(std::uint32_t process) const {
    std::vector<ClientPlace> mine;
    for (std::uint32_t group = 0; group < scenario_.groups.size(); ++group)
        for (std::uint32_t index = 0; index < scenario_.groups[group].count; ++index)
            if (const ClientPlace client{group, index}; process_of(client) == process)
                mine.push_back(client);
    return mine;
}

std::string Roster::name(ClientPlace client) const {
    return fmt::format("bench-{:02x}-{}-{}", scenario_.run, scenario_.groups[client.group].name,
                       client.index);
}

std::uint32_t Roster::flow(ClientPlace client, std::size_t plan) const {
    return entries_[first_entry_[client.group] + plan].flows.first + client.index;
}

const PublishPlan& Roster::plan(std::uint32_t flow) const { return *entry(flow).plan; }

std::string Roster::topic(std::uint32_t flow) const {
    const Entry& its = entry(flow);
    return fill_in(its.plan->topic, flow - its.flows.first);
}

std::string Roster::publisher(std::uint32_t flow) const {
    const Entry& its = entry(flow);
    return name({its.group, flow - its.flows.first});
}

FlowRange Roster::siblings(std::uint32_t flow) const { return entry(flow).flows; }

std::vector<FlowRange> Roster::flows_matching(const std::string& filter) const {
    std::vector<FlowRange> found;
    for (const Entry& entry : entries_) {
        const std::uint32_t count = entry.flows.end - entry.flows.first;
        const FlowRange clients = matching_clients(entry.plan->topic, count, filter);
        if (clients.first != clients.end)
            found.push_back({entry.flows.first + clients.first, entry.flows.first + clients.end});
    }
    return found;
}

const Roster::Entry& Roster::entry(std::uint32_t flow) const {
    STARLING_ASSERT(flow < flows_);
    const auto at = std::partition_point(entries_.begin(), entries_.end(),
                                         [&](const Entry& one) { return one.flows.end <= flow; });
    return *at;
}

}  // namespace starling
