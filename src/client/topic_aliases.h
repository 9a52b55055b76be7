// The topic aliases of one direction of one connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace starling {

// Owner: the client's core.
class ClientAliases {
public:
    // REQUIRES: alias != 0, and the owner's limit allows it.
    void set(std::uint16_t alias, std::string_view topic) {
        if (alias > topics_.size()) topics_.resize(alias);
        topics_[alias - 1u] = topic;
    }

    // Empty when the alias was never set.
    std::string_view topic(std::uint16_t alias) const {
        return alias <= topics_.size() ? std::string_view(topics_[alias - 1u]) : std::string_view{};
    }

    void clear() { topics_ = {}; }

private:
    std::vector<std::string> topics_;
};

}  // namespace starling
