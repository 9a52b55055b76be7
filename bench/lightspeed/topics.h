// Who subscribes to which topic.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/lightspeed/connection.h"

namespace starling {

struct Topic {
    std::vector<Connection*> subscribers;
};

// Exact topics only: a filter with a wildcard finds nothing and costs nothing.
// Owner: the forwarder.
class Topics {
public:
    // Whoever subscribes twice gets everything twice.
    void subscribe(std::string_view filter, Connection& connection) {
        if (filter.find_first_of("+#") != filter.npos) return;
        Topic& topic = topics_[std::string(filter)];
        topic.subscribers.push_back(&connection);
        connection.topics.push_back(&topic);
    }

    void unsubscribe_all(Connection& connection) {
        for (Topic* topic : connection.topics) std::erase(topic->subscribers, &connection);
        connection.topics.clear();
    }

    // Null when nobody ever subscribed to it. A publisher mostly names the same topic again.
    const Topic* find(std::string_view name) {
        if (last_ && last_->first == name) return &last_->second;
        const auto found = topics_.find(name);
        if (found == topics_.end()) return nullptr;
        last_ = &*found;
        return &last_->second;
    }

private:
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    // Its entries never move and are never erased.
    std::unordered_map<std::string, Topic, Hash, std::equal_to<>> topics_;
    const std::pair<const std::string, Topic>* last_ = nullptr;
};

}  // namespace starling
