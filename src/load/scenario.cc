#include "load/scenario.h"

#include <algorithm>
#include <string_view>

namespace starling {
namespace {

constexpr std::string_view kPlace = "{}";

// Few enough for any broker's limit of subscriptions.
constexpr std::uint32_t kFiltersPerClient = 500;

PublishPlan publish_to(const ModeSettings& settings, const std::string& topic) {
    PublishPlan plan = settings.publish;
    plan.topic = settings.prefix + topic;
    return plan;
}

SubscribePlan subscribe_to(const ModeSettings& settings, const std::string& filter) {
    return {
        .filter = settings.prefix + filter, .qos = settings.publish.qos, .share = settings.share};
}

ClientGroup group(const ModeSettings& settings, std::string name, std::uint32_t count) {
    return {.name = std::move(name),
            .count = count,
            .keep_alive_s = settings.keep_alive_s,
            .publishes = {},
            .subscribes = {}};
}

std::vector<ClientGroup> with_background(std::vector<ClientGroup> groups,
                                         const ModeSettings& settings) {
    const std::uint32_t filters = settings.background_filters;
    if (filters == 0) return groups;
    groups.push_back(
        group(settings, "background", (filters + kFiltersPerClient - 1) / kFiltersPerClient));
    groups.back().background_filters = filters;
    return groups;
}

}  // namespace

std::string fill_in(const std::string& text, std::uint32_t client) {
    std::string filled = text;
    for (std::size_t at; (at = filled.find(kPlace)) != filled.npos;)
        filled.replace(at, kPlace.size(), std::to_string(client));
    return filled;
}

bool has_place(const std::string& text) { return text.find(kPlace) != text.npos; }

std::vector<ClientGroup> connecting_groups(const ModeSettings& settings) {
    ClientGroup clients = group(settings, "client", settings.clients);
    if (settings.has_own_filter) clients.subscribes.push_back(subscribe_to(settings, "/{}/data"));
    if (!settings.broadcasts) return with_background({clients}, settings);

    clients.subscribes.push_back(subscribe_to(settings, "/all"));
    clients.subscribes.back().is_late = true;
    ClientGroup sender = group(settings, "sender", 1);
    sender.publishes.push_back(publish_to(settings, "/all"));
    sender.publishes.back().window = 1;
    sender.publishes.back().messages_max = 1;
    return with_background({clients, sender}, settings);
}

std::vector<ClientGroup> publishing_groups(const ModeSettings& settings) {
    ClientGroup publishers = group(settings, "publisher", settings.publishers);
    publishers.publishes.push_back(publish_to(settings, "/{}/data"));
    return with_background({publishers}, settings);
}

std::vector<ClientGroup> subscribing_groups(const ModeSettings& settings) {
    ClientGroup subscribers = group(settings, "subscriber", settings.subscribers);
    subscribers.subscribes.push_back(subscribe_to(settings, "/#"));
    return with_background({subscribers}, settings);
}

std::vector<ClientGroup> pair_groups(const ModeSettings& settings) {
    ClientGroup publishers = group(settings, "publisher", settings.clients);
    ClientGroup subscribers = group(settings, "subscriber", settings.clients);
    publishers.publishes.push_back(publish_to(settings, "/{}/data"));
    subscribers.subscribes.push_back(
        subscribe_to(settings, settings.uses_wildcard ? "/{}/+" : "/{}/data"));
    return with_background({publishers, subscribers}, settings);
}

// By wildcard each publisher has a topic of its own; else they have one together, so that nobody
// needs more than one filter.
std::vector<ClientGroup> crossed_groups(const ModeSettings& settings) {
    ClientGroup publishers = group(settings, "publisher", settings.publishers);
    ClientGroup subscribers = group(settings, "subscriber", settings.subscribers);
    publishers.publishes.push_back(
        publish_to(settings, settings.uses_wildcard ? "/{}/data" : "/all/data"));
    subscribers.subscribes.push_back(
        subscribe_to(settings, settings.uses_wildcard ? "/+/data" : "/all/data"));
    return with_background({publishers, subscribers}, settings);
}

}  // namespace starling
