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

std::uint32_t SubscriptionTable::find(std::uint32_t first_of_session, std::string_view text) const {
    const SharedFilter parts = parts_of(text);
    const std::uint32_t filter = find_filter(parts.filter);
    if (filter == kNone) return kNone;
    const std::uint32_t group = parts.name.empty() ? kNone : find_group_of(filter, parts.name);
    if (group == kNone && !parts.name.empty()) return kNone;
    for (std::uint32_t at = first_of_session; at != kNone; at = subscriptions_[at].next_in_session)
        if (subscriptions_[at].filter == filter && subscriptions_[at].group == group) return at;
    return kNone;
}

std::uint32_t SubscriptionTable::add(std::uint32_t session, std::uint32_t& first_of_session,
                                     std::string_view text, const SubscriptionTerms& terms) {
    const SharedFilter parts = parts_of(text);
    Subscription fresh;
    fresh.session = session;
    fresh.filter = filter_for(parts.filter);
    fresh.terms = terms;
    fresh.next_in_session = first_of_session;
    const bool is_shared = !parts.name.empty();
    if (is_shared) {
        fresh.group = group_for(fresh.filter, parts.name);
        ++shared_;
    } else {
        fresh.next_in_filter = filters_[fresh.filter].first_subscription;
    }
    const std::uint32_t place = subscriptions_.emplace(fresh).index;
    first_of_session = place;
    if (is_shared) {
        groups_[fresh.group].members.push_back(place);
        return place;
    }
    if (fresh.next_in_filter != kNone)
        subscriptions_[fresh.next_in_filter].previous_in_filter = place;
    filters_[fresh.filter].first_subscription = place;
    return place;
}

void SubscriptionTable::remove(std::uint32_t& first_of_session, std::uint32_t place) {
    std::uint32_t* link = &first_of_session;
    while (*link != place) link = &subscriptions_[*link].next_in_session;
    const Subscription gone = subscriptions_[place];
    *link = gone.next_in_session;
    if (gone.group != kNone) leave_group(place);
    else unlink_from_filter(gone);
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

void SubscriptionTable::leave_group(std::uint32_t place) {
    const std::uint32_t index = subscriptions_[place].group;
    ShareGroup& group = groups_[index];
    const auto at = std::find(group.members.begin(), group.members.end(), place);
    // The turn stays with whom it was.
    if (at - group.members.begin() < std::ptrdiff_t{group.cursor}) --group.cursor;
    group.members.erase(at);
    --shared_;
    if (!group.members.empty()) return;
    std::uint32_t* link = &filters_[group.filter].first_group;
    while (*link != index) link = &groups_[*link].next_in_filter;
    *link = group.next_in_filter;
    groups_.erase(groups_.handle(index));
}

std::uint32_t SubscriptionTable::find_filter(std::string_view text) const {
    return filter_index_.find(hash(text),
                              [&](std::uint32_t filter) { return filters_[filter].text == text; });
}

std::uint32_t SubscriptionTable::filter_for(std::string_view text) {
    if (const std::uint32_t filter = find_filter(text); filter != kNone) return filter;
    Filter fresh{std::string(text), hash(text), kNone, kNone, has_wildcard(text)};
    const std::uint32_t filter = filters_.emplace(std::move(fresh)).index;
    filter_index_.insert(filters_[filter].hash, filter);
    if (filters_[filter].is_wildcard) tree_.insert(text, filter);
    return filter;
}

void SubscriptionTable::drop_filter_if_unused(std::uint32_t index) {
    const Filter& filter = filters_[index];
    if (filter.first_subscription != kNone || filter.first_group != kNone) return;
    if (filter.is_wildcard) tree_.erase(filter.text);
    filter_index_.erase(filter.hash, index);
    filters_.erase(filters_.handle(index));
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

}  // namespace starling
