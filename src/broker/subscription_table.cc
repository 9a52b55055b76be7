#include "broker/subscription_table.h"

#include <algorithm>

#include "mqtt/topic.h"

namespace starling {
namespace {

SharedFilter parts_of(std::string_view filter) {
    if (!is_shared_filter(filter)) return {{}, filter};
    const auto parts = split_share(filter);
    STARLING_ASSERT(parts.ok());  // the decoder has judged it
    return *parts;
}

}  // namespace

const ShareGroup::Member& ShareGroup::from(std::uint64_t joined) const {
    const auto at = std::lower_bound(
        members.begin(), members.end(), joined,
        [](const Member& member, std::uint64_t number) { return member.joined < number; });
    return at == members.end() ? members.front() : *at;
}

// --- Subscriptions -------------------------------------------------------------------------------

std::uint32_t SubscriptionTable::find(std::uint32_t first_of_session, std::string_view text) const {
    const std::uint32_t filter = find_filter(text);
    if (filter == kNone) return kNone;
    std::uint32_t at = first_of_session;
    while (at != kNone && subscriptions_[at].filter != filter)
        at = subscriptions_[at].next_in_session;
    return at;
}

std::uint32_t SubscriptionTable::add(std::uint32_t session, std::uint32_t& first_of_session,
                                     std::string_view text, const SubscriptionTerms& terms) {
    Subscription fresh;
    fresh.session = session;
    fresh.filter = filter_for(text);
    fresh.terms = terms;
    fresh.next_in_session = first_of_session;
    fresh.next_in_filter = filters_[fresh.filter].first_subscription;
    const std::uint32_t place = subscriptions_.emplace(fresh).index;
    first_of_session = place;
    if (fresh.next_in_filter != kNone)
        subscriptions_[fresh.next_in_filter].previous_in_filter = place;
    filters_[fresh.filter].first_subscription = place;
    if (filters_[fresh.filter].is_shared) ++shared_;
    return place;
}

void SubscriptionTable::remove(std::uint32_t& first_of_session, std::uint32_t place) {
    std::uint32_t* link = &first_of_session;
    while (*link != place) link = &subscriptions_[*link].next_in_session;
    const Subscription gone = subscriptions_[place];
    *link = gone.next_in_session;
    unlink_from_filter(gone);
    if (filters_[gone.filter].is_shared) --shared_;
    subscriptions_.erase(subscriptions_.handle(place));
    drop_filter_if_unused(gone.filter);
}

void SubscriptionTable::unlink_from_filter(const Subscription& gone) {
    if (gone.next_in_filter != kNone)
        subscriptions_[gone.next_in_filter].previous_in_filter = gone.previous_in_filter;
    if (gone.previous_in_filter != kNone)
        subscriptions_[gone.previous_in_filter].next_in_filter = gone.next_in_filter;
    else filters_[gone.filter].first_subscription = gone.next_in_filter;
}

// --- Share groups --------------------------------------------------------------------------------

RemoteHandle SubscriptionTable::group_of(const Subscription& subscription) const {
    const auto known = groups_known_.find(subscription.filter);
    return known == groups_known_.end() ? RemoteHandle{} : known->second;
}

void SubscriptionTable::set_group_of(const Subscription& subscription, RemoteHandle group) {
    groups_known_[subscription.filter] = group;
}

void SubscriptionTable::join(std::string_view text, RemoteHandle member) {
    const SharedFilter parts = parts_of(text);
    ShareGroup& group = groups_[group_for(filter_for(parts.filter), parts.name)];
    group.members.push_back({member, group.next_joined++});
}

void SubscriptionTable::leave(std::string_view text, RemoteHandle member) {
    const SharedFilter parts = parts_of(text);
    const std::uint32_t filter = find_filter(parts.filter);
    STARLING_ASSERT(filter != kNone);
    const std::uint32_t index = find_group_of(filter, parts.name);
    STARLING_ASSERT(index != kNone);
    auto& members = groups_[index].members;
    const auto at = std::find_if(members.begin(), members.end(),
                                 [&](const auto& one) { return one.subscription == member; });
    STARLING_ASSERT(at != members.end());
    members.erase(at);
    if (members.empty()) drop_group(index);
}

std::uint32_t SubscriptionTable::find_group_of(std::uint32_t filter, std::string_view name) const {
    std::uint32_t at = filters_[filter].first_group;
    while (at != kNone && groups_[at].name != name) at = groups_[at].next_in_filter;
    return at;
}

std::uint32_t SubscriptionTable::group_for(std::uint32_t filter, std::string_view name) {
    if (const std::uint32_t group = find_group_of(filter, name); group != kNone) return group;
    ShareGroup fresh;
    fresh.name = name;
    fresh.filter = filter;
    fresh.next_in_filter = filters_[filter].first_group;
    return filters_[filter].first_group = groups_.emplace(std::move(fresh)).index;
}

void SubscriptionTable::drop_group(std::uint32_t index) {
    const std::uint32_t filter = groups_[index].filter;
    std::uint32_t* link = &filters_[filter].first_group;
    while (*link != index) link = &groups_[*link].next_in_filter;
    *link = groups_[index].next_in_filter;
    groups_.erase(groups_.handle(index));
    drop_filter_if_unused(filter);
}

// --- Filters -------------------------------------------------------------------------------------

std::uint32_t SubscriptionTable::find_filter(std::string_view text) const {
    return filter_index_.find(hash(text),
                              [&](std::uint32_t filter) { return filters_[filter].text == text; });
}

std::uint32_t SubscriptionTable::filter_for(std::string_view text) {
    if (const std::uint32_t filter = find_filter(text); filter != kNone) return filter;
    const bool is_shared = is_shared_filter(text);
    const bool is_wildcard = !is_shared && has_wildcard(text);
    Filter fresh{std::string(text), hash(text), kNone, kNone, is_wildcard, is_shared};
    const std::uint32_t filter = filters_.emplace(std::move(fresh)).index;
    filter_index_.insert(filters_[filter].hash, filter);
    if (is_wildcard) tree_.insert(text, filter);
    if (!is_shared) announcer_.want(text);
    return filter;
}

void SubscriptionTable::drop_filter_if_unused(std::uint32_t index) {
    const Filter& filter = filters_[index];
    if (filter.first_subscription != kNone || filter.first_group != kNone) return;
    if (filter.is_shared) groups_known_.erase(index);
    else announcer_.forget(filter.text);
    if (filter.is_wildcard) tree_.erase(filter.text);
    filter_index_.erase(filter.hash, index);
    filters_.erase(filters_.handle(index));
}

}  // namespace starling
