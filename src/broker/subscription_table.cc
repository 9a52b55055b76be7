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
    if (is_shared(fresh.filter)) ++shared_;
    return place;
}

void SubscriptionTable::remove(std::uint32_t& first_of_session, std::uint32_t place) {
    std::uint32_t* link = &first_of_session;
    while (*link != place) link = &subscriptions_[*link].next_in_session;
    const Subscription gone = subscriptions_[place];
    *link = gone.next_in_session;
    unlink_from_filter(gone);
    if (is_shared(gone.filter)) --shared_;
    subscriptions_.erase(subscriptions_.handle(place));
    drop_filter_if_unused(gone.filter);
}

void SubscriptionTable::bequeath(std::uint32_t& first_of_session, std::uint32_t heir,
                                 std::uint32_t& first_of_heir) {
    const std::uint32_t place = first_of_session;
    Subscription& subscription = subscriptions_[place];
    first_of_session = subscription.next_in_session;
    subscription.next_in_session = first_of_heir;
    first_of_heir = place;
    subscription.session = heir;
    subscription.terms.is_inherited = true;
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

SubscriptionTable::Kind SubscriptionTable::kind_of(std::string_view text) {
    if (is_shared_filter(text)) return Kind::Shared;
    return has_wildcard(text) ? Kind::Wildcard : Kind::Exact;
}

std::string SubscriptionTable::text_of(std::uint32_t index) const {
    const Filter& filter = filters_[index];
    if (filter.kind == Kind::Wildcard) return tree_.text(filter.tree_end, index);
    return std::string(filter.text.view());
}

std::uint32_t SubscriptionTable::find_filter(std::string_view text) const {
    return kind_of(text) == Kind::Wildcard ? tree_.find(text) : find_by_text(hashed(key_, text));
}

std::uint32_t SubscriptionTable::find_by_text(const Hashed& text) const {
    return by_text_.find(static_cast<std::uint32_t>(text.hash), [&](std::uint32_t filter) {
        return filters_[filter].text.view() == text.text;
    });
}

std::uint32_t SubscriptionTable::filter_for(std::string_view text) {
    if (const std::uint32_t filter = find_filter(text); filter != kNone) return filter;
    const std::uint32_t index = filters_.emplace().index;
    Filter& fresh = filters_[index];
    fresh.kind = kind_of(text);
    if (fresh.kind == Kind::Wildcard) {
        fresh.tree_end = tree_.insert(text, index);
    } else {
        fresh.text = Text(text);
        by_text_.insert(static_cast<std::uint32_t>(keyed_hash(key_, text)), index);
    }
    if (fresh.kind != Kind::Shared) announcer_.want(text);
    return index;
}

void SubscriptionTable::drop_filter_if_unused(std::uint32_t index) {
    const Filter& filter = filters_[index];
    if (filter.first_subscription != kNone || filter.first_group != kNone) return;
    const std::string text = text_of(index);
    if (filter.kind == Kind::Shared) groups_known_.erase(index);
    else announcer_.forget(text);
    if (filter.kind == Kind::Wildcard) tree_.erase(text);
    else by_text_.erase(static_cast<std::uint32_t>(keyed_hash(key_, text)), index);
    filters_.erase(filters_.handle(index));
}

}  // namespace starling
