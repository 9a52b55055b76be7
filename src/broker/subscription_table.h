// Who has subscribed to what.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/flat_index.h"
#include "base/hash.h"
#include "base/slab.h"
#include "broker/topic_tree.h"
#include "mqtt/types.h"

namespace starling {

// What a SUBSCRIBE says of one filter.
struct SubscriptionTerms {
    Qos qos = Qos::AtMostOnce;
    bool no_local = false;
    bool retain_as_published = false;
    std::uint32_t identifier = 0;  // 0: none
};

// One session's interest in one filter. Plain data: 40 bytes in the table's slab.
struct Subscription {
    std::uint32_t session = 0;  // its place in the sessions' slab
    std::uint32_t filter = 0;
    std::uint32_t group = kNone;           // of a shared one
    std::uint32_t next_in_filter = kNone;  // an ordinary one's neighbours
    std::uint32_t previous_in_filter = kNone;
    std::uint32_t next_in_session = kNone;
    SubscriptionTerms terms;

    static constexpr std::uint32_t kNone = ~std::uint32_t{0};
};

// The members of "$share/name/filter".
struct ShareGroup {
    std::string name;
    std::uint32_t filter = 0;
    std::uint32_t next_in_filter = Subscription::kNone;
    std::vector<std::uint32_t> members;  // subscriptions, in order of joining
    std::uint32_t cursor = 0;            // whose turn it is, and the sticky member
};

// Every subscription of a core: filters by text, wildcard filters in a tree too, each with its
// subscriptions and share groups. A session keeps the head of a list of its own. No $share prefix
// reaches the filters: a group belongs to the filter it shares.
// Owner: one core.
class SubscriptionTable {
public:
    static constexpr std::uint32_t kNone = Subscription::kNone;

    explicit SubscriptionTable(const HashKey& key) : key_(key), tree_(key) {}

    // Finds the session's subscription to `filter` ("$share/..." or plain), or kNone.
    std::uint32_t find(std::uint32_t first_of_session, std::string_view filter) const;

    // Adds one to the session's list, whose head is `first_of_session`. REQUIRES: find() finds
    // none.
    std::uint32_t add(std::uint32_t session, std::uint32_t& first_of_session,
                      std::string_view filter, const SubscriptionTerms& terms);

    void remove(std::uint32_t& first_of_session, std::uint32_t subscription);

    Subscription& operator[](std::uint32_t subscription) { return subscriptions_[subscription]; }
    ShareGroup& group(std::uint32_t group) { return groups_[group]; }

    // Names a group beyond its life.
    Handle group_handle(std::uint32_t group) const { return groups_.handle(group); }
    ShareGroup* find_group(Handle group) { return groups_.find(group); }

    // The text that SUBSCRIBE gave, without "$share/name/".
    std::string_view filter_text(const Subscription& subscription) const {
        return filters_[subscription.filter].text;
    }

    // Calls visit(filter) for each filter that matches, then the two below give its targets.
    template <typename Visit>
    void match(std::string_view topic, Visit visit) const;

    std::uint32_t first_subscription(std::uint32_t filter) const {
        return filters_[filter].first_subscription;
    }
    std::uint32_t first_group(std::uint32_t filter) const { return filters_[filter].first_group; }

    std::uint32_t size() const { return subscriptions_.size(); }
    std::uint32_t shared_size() const { return shared_; }

private:
    struct Filter {
        std::string text;
        std::uint32_t hash;
        std::uint32_t first_subscription = kNone;
        std::uint32_t first_group = kNone;
        bool is_wildcard;
    };

    std::uint32_t hash(std::string_view text) const {
        return static_cast<std::uint32_t>(keyed_hash(key_, text));
    }
    std::uint32_t find_filter(std::string_view text) const;
    std::uint32_t filter_for(std::string_view text);
    std::uint32_t find_group_of(std::uint32_t filter, std::string_view name) const;
    std::uint32_t group_for(std::uint32_t filter, std::string_view name);
    void unlink_from_filter(const Subscription& subscription);
    void leave_group(std::uint32_t subscription);
    void drop_filter_if_unused(std::uint32_t filter);

    HashKey key_;
    Slab<Filter> filters_;
    Slab<Subscription> subscriptions_;
    Slab<ShareGroup, 64> groups_;
    FlatIndex filter_index_;
    TopicTree tree_;
    std::uint32_t shared_ = 0;
};

template <typename Visit>
void SubscriptionTable::match(std::string_view topic, Visit visit) const {
    if (const std::uint32_t exact = find_filter(topic); exact != kNone) visit(exact);
    tree_.match(topic, visit);
}

}  // namespace starling
