#include "mqtt/topic.h"

#include <algorithm>

namespace starling {
namespace {

// Takes the levels of a topic name or filter one by one.
class Levels {
public:
    explicit Levels(std::string_view topic) : rest_(topic) {}

    bool ended() const { return ended_; }
    std::string_view rest() const { return rest_; }

    // REQUIRES: !ended().
    std::string_view next() {
        const std::size_t end = rest_.find('/');
        const std::string_view level = rest_.substr(0, end);
        ended_ = end == rest_.npos;
        rest_.remove_prefix(ended_ ? rest_.size() : end + 1);
        return level;
    }

private:
    std::string_view rest_;
    bool ended_ = false;
};

bool is_plain_filter(std::string_view filter) {
    if (filter.empty()) return false;
    for (Levels levels(filter); !levels.ended();) {
        const std::string_view level = levels.next();
        if (level == "#") return levels.ended();
        if (level != "+" && has_wildcard(level)) return false;
    }
    return true;
}

ProtocolError invalid_filter(const char* text) { return {Reason::TopicFilterInvalid, text}; }

}  // namespace

std::size_t level_count(std::string_view topic) {
    return 1 + static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '/'));
}

bool is_topic_name(std::string_view topic) { return !topic.empty() && !has_wildcard(topic); }

bool is_topic_filter(std::string_view filter) {
    const auto shared = split_share(filter);
    return shared && is_plain_filter(shared->filter);
}

bool has_wildcard(std::string_view topic) {
    return topic.find('+') != topic.npos || topic.find('#') != topic.npos;
}

bool matches(std::string_view filter, std::string_view topic) {
    if (is_system_topic(topic) && !is_system_topic(filter)) return false;
    Levels wanted(filter);
    Levels given(topic);
    while (!wanted.ended()) {
        const std::string_view level = wanted.next();
        if (level == "#") return true;  // "a/#" matches "a" too (section 4.7.1.2)
        if (given.ended()) return false;
        const std::string_view found = given.next();
        if (level != "+" && level != found) return false;
    }
    return given.ended();
}

Decoded<SharedFilter> split_share(std::string_view filter) {
    if (!is_shared_filter(filter)) return SharedFilter{{}, filter};
    Levels levels(filter);
    levels.next();  // "$share"
    const std::string_view name = levels.next();
    if (name.empty() || has_wildcard(name))
        return invalid_filter("[MQTT-4.8.2-1] [MQTT-4.8.2-2] share name empty or with a wildcard");
    if (levels.rest().empty())
        return invalid_filter("[MQTT-4.8.2-2] share name without a topic filter");
    return SharedFilter{name, levels.rest()};
}

}  // namespace starling
