// Who has subscribed to what.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/flat_index.h"
#include "base/handle.h"
#include "base/hash.h"
#include "base/slab.h"
#include "base/text.h"
#include "broker/announcer.h"
#include "broker/topic_tree.h"
#include "mqtt/types.h"

namespace starling {

// What a SUBSCRIBE says of one filter.
struct SubscriptionTerms {
    Qos qos = Qos::AtMostOnce;
    bool no_local = false;
    bool retain_as_published = false;
    bool is_inherited = false;     // from a stream that ended with the connection
    std::uint32_t identifier = 0;  // 0: none
};

// One session's interest in one filter. Plain data: 36 bytes in the table's slab.
struct Subscription {
    std::uint32_t session = 0;  // its place in the sessions' slab
    std::uint32_t filter = 0;
    std::uint32_t next_in_filter = kNone;
    std::uint32_t previous_in_filter = kNone;
    std::uint32_t next_in_session = kNone;
    SubscriptionTerms terms;

    static constexpr std::uint32_t kNone = ~std::uint32_t{0};
};

// The members of "$share/name/filter", on whatever cores, at the home of that text.
struct ShareGroup {
    struct Member {
        RemoteHandle subscription;
        std::uint64_t joined = 0;  // counts up: the order of joining
    };

    std::string name;
    std::uint32_t filter = 0;
    std::uint32_t next_in_filter = Subscription::kNone;
    std::vector<Member> members;
    std::uint64_t next_joined = 0;
    std::uint64_t cursor = 0;  // who joined then or next is to be asked first

    // The member that joined at `joined` or next, going round. REQUIRES: there are members.
    const Member& from(std::uint64_t joined) const;
};

// Every subscription of a core's sessions: exact filters by text, wildcard filters in a tree, each
// with its subscriptions. A session keeps the head of a list of its own. A shared subscription
// stands under its whole text and matches nothing: messages reach it by its group, which belongs at
// the group's home to the filter that it shares. First and last interest go to the announcer.
// Owner: one core.
class SubscriptionTable {
public:
    static constexpr std::uint32_t kNone = Subscription::kNone;

    SubscriptionTable(const HashKey& key, Announcer& announcer)
        : key_(key),
          announcer_(announcer),
          tree_(key) {}

    // Finds the session's subscription to `filter` ("$share/..." or plain), or kNone.
    std::uint32_t find(std::uint32_t first_of_session, std::string_view filter) const;

    // Adds one to the session's list, whose head is `first_of_session`. REQUIRES: find() finds
    // none.
    std::uint32_t add(std::uint32_t session, std::uint32_t& first_of_session,
                      std::string_view filter, const SubscriptionTerms& terms);

    void remove(std::uint32_t& first_of_session, std::uint32_t subscription);

    // Moves the first of one session to `heir`, whose list begins at `first_of_heir`.
    // REQUIRES: the heir has none to that filter.
    void bequeath(std::uint32_t& first_of_session, std::uint32_t heir,
                  std::uint32_t& first_of_heir);

    Subscription& operator[](std::uint32_t subscription) { return subscriptions_[subscription]; }
    Handle handle(std::uint32_t subscription) const { return subscriptions_.handle(subscription); }
    Subscription* find(Handle subscription) { return subscriptions_.find(subscription); }

    // The text that SUBSCRIBE gave. Put together anew for a wildcard filter.
    std::string filter_text(const Subscription& subscription) const {
        return text_of(subscription.filter);
    }
    bool is_shared(const Subscription& subscription) const {
        return is_shared(subscription.filter);
    }

    // The group of a shared subscription, as far as messages have told it.
    RemoteHandle group_of(const Subscription& subscription) const;
    void set_group_of(const Subscription& subscription, RemoteHandle group);

    // At a group's home: a member comes or goes. `text` is the group's, "$share/name/filter".
    void join(std::string_view text, RemoteHandle member);
    void leave(std::string_view text, RemoteHandle member);

    ShareGroup& group(std::uint32_t group) { return groups_[group]; }
    Handle group_handle(std::uint32_t group) const { return groups_.handle(group); }
    ShareGroup* find_group(Handle group) { return groups_.find(group); }

    // Calls visit(filter) for each filter that matches, then the two below give its targets.
    template <typename Visit>
    void match(const Hashed& topic, Visit visit) const;

    std::uint32_t first_subscription(std::uint32_t filter) const {
        return filters_[filter].first_subscription;
    }
    std::uint32_t first_group(std::uint32_t filter) const { return filters_[filter].first_group; }

    std::uint32_t size() const { return subscriptions_.size(); }
    std::uint32_t shared_size() const { return shared_; }

private:
    enum class Kind : std::uint8_t { Exact, Wildcard, Shared };

    struct Filter {
        Text text;                       // of a wildcard filter: in the tree
        std::uint32_t tree_end = kNone;  // of a wildcard filter: where it ends there
        std::uint32_t first_subscription = kNone;
        std::uint32_t first_group = kNone;
        Kind kind = Kind::Exact;
    };

    static Kind kind_of(std::string_view text);

    bool is_shared(std::uint32_t filter) const { return filters_[filter].kind == Kind::Shared; }
    std::string text_of(std::uint32_t filter) const;
    std::uint32_t find_filter(std::string_view text) const;
    std::uint32_t find_by_text(const Hashed& text) const;
    std::uint32_t filter_for(std::string_view text);
    std::uint32_t find_group_of(std::uint32_t filter, std::string_view name) const;
    std::uint32_t group_for(std::uint32_t filter, std::string_view name);
    void drop_group(std::uint32_t group);
    void unlink_from_filter(const Subscription& subscription);
    void drop_filter_if_unused(std::uint32_t filter);

    HashKey key_;
    Announcer& announcer_;
    Slab<Filter> filters_;
    Slab<Subscription> subscriptions_;
    Slab<ShareGroup, 64> groups_;
    FlatIndex by_text_;                                             // exact and shared filters
    TopicTree tree_;                                                // wildcard filters
    std::unordered_map<std::uint32_t, RemoteHandle> groups_known_;  // of shared filters
    std::uint32_t shared_ = 0;
};

template <typename Visit>
void SubscriptionTable::match(const Hashed& topic, Visit visit) const {
    const std::uint32_t exact = find_by_text(topic);
    if (exact != kNone && !is_shared(exact)) visit(exact);
    tree_.match(topic.text, visit);
}

}  // namespace starling
