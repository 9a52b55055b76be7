// Topic names and topic filters: what is legal, and what matches what (MQTT 5.0, section 4.7).
#pragma once

#include <cstddef>
#include <string_view>

#include "mqtt/types.h"

namespace starling {

// Calls `visit(level)` for each level of a topic name or filter: "a//b" has "a", "" and "b".
template <typename Visit>
void for_each_level(std::string_view topic, Visit visit) {
    for (std::size_t end; (end = topic.find('/')) != topic.npos; topic.remove_prefix(end + 1))
        visit(topic.substr(0, end));
    visit(topic);
}

std::size_t level_count(std::string_view topic);

// At least one character, no wildcard [MQTT-4.7.0-1] [MQTT-4.7.3-1]. UTF-8 is the reader's affair.
bool is_topic_name(std::string_view topic);

// At least one character, "#" alone and last, "+" alone in its level [MQTT-4.7.1-1] [MQTT-4.7.1-2].
// A "$share/..." filter is judged as split_share() says, by its inner filter.
bool is_topic_filter(std::string_view filter);

bool has_wildcard(std::string_view topic);

// True for "$SYS" and anything else in the server's own namespace [MQTT-4.7.2-1].
inline bool is_system_topic(std::string_view topic) { return topic.starts_with('$'); }

// Whether a valid filter (not a "$share/..." one) matches a valid topic name.
bool matches(std::string_view filter, std::string_view topic);

// "$share/name/filter" in its parts; `name` is empty for an ordinary filter.
struct SharedFilter {
    std::string_view name;
    std::string_view filter;
};

inline bool is_shared_filter(std::string_view filter) { return filter.starts_with("$share/"); }

// Fails with Topic Filter Invalid on "$share" with an empty or wildcard name or without a filter
// [MQTT-4.8.2-1] [MQTT-4.8.2-2].
Decoded<SharedFilter> split_share(std::string_view filter);

}  // namespace starling
