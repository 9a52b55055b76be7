// Which wildcard filters match a topic name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/flat_index.h"
#include "base/hash.h"
#include "base/slab.h"
#include "mqtt/topic.h"

namespace starling {

// A tree of levels. Nodes are 24 bytes in a slab; one table holds every edge; the text of a level
// is kept once. Filters without a wildcard do not belong here: one hash finds those. Owner: one
// core.
class TopicTree {
public:
    explicit TopicTree(const HashKey& key) : key_(key), root_(nodes_.emplace().index) {}

    // Names a filter by `filter`, which no other has, and returns where it ends.
    // REQUIRES: its text is not in the tree.
    std::uint32_t insert(std::string_view text, std::uint32_t filter);

    // REQUIRES: it is in the tree.
    void erase(std::string_view text);

    // The filter of this text, or kNone.
    std::uint32_t find(std::string_view text) const;

    // The text of `filter`. REQUIRES: insert() returned `end` for it.
    std::string text(std::uint32_t end, std::uint32_t filter) const;

    // Calls visit(filter) once for each filter that matches. visit may not change the tree. Once
    // warm, allocates nothing.
    template <typename Visit>
    void match(std::string_view topic, Visit visit) const;

    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

private:
    struct Node {
        std::uint32_t parent = kNone;
        std::uint32_t level = kNone;   // in levels_
        std::uint32_t plus = kNone;    // the child for "+"
        std::uint32_t hash = kNone;    // the filter that ends in "#" below this node
        std::uint32_t filter = kNone;  // the filter that ends here
        std::uint32_t children = 0;    // all but `hash`
    };
    struct Level {
        std::string text;  // short ones, as levels are, stand in the string itself
        std::uint32_t uses;
    };

    std::uint32_t text_hash(std::string_view level) const {
        return static_cast<std::uint32_t>(keyed_hash(key_, level));
    }
    static std::uint32_t edge_hash(std::uint32_t parent, std::uint32_t level) {
        return static_cast<std::uint32_t>(mix(std::uint64_t{parent} << 32 | level));
    }
    std::uint32_t find_level(std::string_view text) const;
    std::uint32_t find_child(std::uint32_t parent, std::uint32_t level) const;
    std::uint32_t child_for(std::uint32_t parent, std::string_view level);
    std::uint32_t use_level(std::string_view text);
    void drop_level(std::uint32_t level);
    std::uint32_t find_node(std::string_view text) const;
    void prune(std::uint32_t node);

    HashKey key_;
    Slab<Node> nodes_;
    Slab<Level> levels_;
    FlatIndex edges_;        // (parent, level) -> node
    FlatIndex level_index_;  // text -> level
    std::uint32_t root_;
    mutable std::vector<std::uint32_t> here_, next_;  // scratch of match(): this level, the next
};

template <typename Visit>
void TopicTree::match(std::string_view topic, Visit visit) const {
    if (nodes_.size() == 1 && nodes_[root_].hash == kNone) return;  // nothing to look for
    here_.assign(1, root_);
    bool wild = !is_system_topic(topic);  // [MQTT-4.7.2-1] concerns the first level only
    for_each_level(topic, [&](std::string_view text) {
        if (here_.empty()) return;
        const std::uint32_t level = find_level(text);
        next_.clear();
        for (const std::uint32_t index : here_) {
            const Node& node = nodes_[index];
            if (wild && node.hash != kNone) visit(node.hash);
            if (wild && node.plus != kNone) next_.push_back(node.plus);
            if (level == kNone || node.children == 0) continue;
            if (const std::uint32_t child = find_child(index, level); child != kNone)
                next_.push_back(child);
        }
        std::swap(here_, next_);
        wild = true;
    });
    for (const std::uint32_t index : here_) {
        const Node& node = nodes_[index];
        if (node.filter != kNone) visit(node.filter);
        if (node.hash != kNone) visit(node.hash);  // "a/#" matches "a" too (section 4.7.1.2)
    }
}

}  // namespace starling
