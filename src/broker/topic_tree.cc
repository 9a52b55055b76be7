#include "broker/topic_tree.h"

namespace starling {

std::uint32_t TopicTree::insert(std::string_view text, std::uint32_t filter) {
    std::uint32_t node = root_;
    bool ends_in_hash = false;
    for_each_level(text, [&](std::string_view level) {
        if (level == "#") ends_in_hash = true;
        else node = child_for(node, level);
    });
    (ends_in_hash ? nodes_[node].hash : nodes_[node].filter) = filter;
    return node;
}

void TopicTree::erase(std::string_view text) {
    const std::uint32_t node = find_node(text);
    STARLING_ASSERT(node != kNone);
    (text.ends_with('#') ? nodes_[node].hash : nodes_[node].filter) = kNone;
    prune(node);
}

std::uint32_t TopicTree::find(std::string_view text) const {
    const std::uint32_t node = find_node(text);
    if (node == kNone) return kNone;
    return text.ends_with('#') ? nodes_[node].hash : nodes_[node].filter;
}

std::string TopicTree::text(std::uint32_t end, std::uint32_t filter) const {
    std::vector<std::string_view> levels;  // the last one first
    if (nodes_[end].hash == filter) levels.push_back("#");
    for (std::uint32_t at = end; at != root_; at = nodes_[at].parent) {
        const std::uint32_t level = nodes_[at].level;
        levels.push_back(level == kNone ? std::string_view("+") : levels_[level].text);
    }
    std::string joined(levels.back());
    for (std::size_t i = levels.size() - 1; i-- != 0;) joined.append("/").append(levels[i]);
    return joined;
}

std::uint32_t TopicTree::find_node(std::string_view text) const {
    std::uint32_t node = root_;
    for_each_level(text, [&](std::string_view level) {
        if (level == "#" || node == kNone) return;
        if (level == "+") {
            node = nodes_[node].plus;
            return;
        }
        const std::uint32_t found = find_level(level);
        node = found == kNone ? kNone : find_child(node, found);
    });
    return node;
}

std::uint32_t TopicTree::child_for(std::uint32_t parent, std::string_view level) {
    if (level == "+") {
        if (nodes_[parent].plus == kNone) {
            Node node;
            node.parent = parent;
            nodes_[parent].plus = nodes_.emplace(node).index;
            ++nodes_[parent].children;
        }
        return nodes_[parent].plus;
    }
    std::uint32_t text = find_level(level);
    if (text != kNone) {
        if (const std::uint32_t child = find_child(parent, text); child != kNone) return child;
    }
    text = use_level(level);
    Node node;
    node.parent = parent;
    node.level = text;
    const std::uint32_t child = nodes_.emplace(node).index;
    edges_.insert(edge_hash(parent, text), child);
    ++nodes_[parent].children;
    return child;
}

// Removes `node` and its ancestors as far as nothing needs them.
void TopicTree::prune(std::uint32_t index) {
    while (index != root_) {
        const Node node = nodes_[index];
        if (node.children != 0 || node.filter != kNone || node.hash != kNone) return;
        if (node.level == kNone) {
            nodes_[node.parent].plus = kNone;
        } else {
            edges_.erase(edge_hash(node.parent, node.level), index);
            drop_level(node.level);
        }
        --nodes_[node.parent].children;
        nodes_.erase(nodes_.handle(index));
        index = node.parent;
    }
}

std::uint32_t TopicTree::find_level(std::string_view text) const {
    return level_index_.find(text_hash(text),
                             [&](std::uint32_t level) { return levels_[level].text == text; });
}

std::uint32_t TopicTree::find_child(std::uint32_t parent, std::uint32_t level) const {
    return edges_.find(edge_hash(parent, level), [&](std::uint32_t node) {
        return nodes_[node].parent == parent && nodes_[node].level == level;
    });
}

std::uint32_t TopicTree::use_level(std::string_view text) {
    if (const std::uint32_t level = find_level(text); level != kNone) {
        ++levels_[level].uses;
        return level;
    }
    const std::uint32_t level = levels_.emplace(Level{std::string(text), 1}).index;
    level_index_.insert(text_hash(text), level);
    return level;
}

void TopicTree::drop_level(std::uint32_t level) {
    if (--levels_[level].uses != 0) return;
    level_index_.erase(text_hash(levels_[level].text), level);
    levels_.erase(levels_.handle(level));
}

}  // namespace starling
