// The retained messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/quota.h"
#include "broker/message.h"
#include "mqtt/topic.h"

namespace starling {

// By topic, in byte order, so that a replay can go on where it stopped whatever changed meanwhile.
// A core has those whose home it is; over all cores they are bounded by a count and by bytes.
// Owner: one core.
class RetainedMessages {
public:
    RetainedMessages(Quota& messages, Quota& bytes)
        : messages_quota_(messages),
          bytes_quota_(bytes) {}

    // Removes expired messages among the next `scan_max`, going round.
    void sweep(std::size_t scan_max, TimeMs now);

    // Stores the message under its topic, or clears the topic when the payload is empty
    // [MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-7]. False when there is no room: nothing changed.
    bool set(const Ref<const Message>& message);

    // Calls visit(message) for those that match `filter`, after the topic `after` (empty: from the
    // first), until `budget` topics were looked at (it is charged) or visit answers false. Returns
    // the topic to go on after (good until the next change), empty when all were seen. Expired ones
    // are passed over.
    template <typename Visit>
    std::string_view scan(std::string_view filter, std::string_view after, std::size_t& budget,
                          TimeMs now, Visit visit);

    std::size_t size() const { return messages_.size(); }

private:
    using Map = std::map<std::string_view, Ref<const Message>>;  // keys lie in their messages

    void erase(Map::iterator at);
    Map::iterator first(std::string_view filter, std::string_view after);

    // Literal text that every matching topic starts with ("a/#" matches "a", so without the slash).
    static std::string_view literal_prefix(std::string_view filter);

    Map messages_;
    std::string swept_;  // the topic that the sweep has come to
    Quota& messages_quota_;
    Quota& bytes_quota_;
};

template <typename Visit>
std::string_view RetainedMessages::scan(std::string_view filter, std::string_view after,
                                        std::size_t& budget, TimeMs now, Visit visit) {
    if (!has_wildcard(filter)) {
        const auto at = messages_.find(filter);
        if (at != messages_.end() && !at->second->is_expired(now)) visit(at->second);
        return {};
    }
    const std::string_view prefix = literal_prefix(filter);
    std::string_view last;
    for (auto at = first(filter, after); at != messages_.end(); ++at) {
        if (!at->first.starts_with(prefix)) return {};
        if (budget == 0) return last.empty() ? after : last;
        --budget;
        last = at->first;
        if (at->second->is_expired(now) || !matches(filter, at->first)) continue;
        if (!visit(at->second)) return last;
    }
    return {};
}

}  // namespace starling
