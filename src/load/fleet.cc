#include "load/fleet.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "mqtt/topic.h"

namespace starling {
namespace {

using Done = Result<void, std::string>;

// The keys of one table, taken one by one; what nobody has taken is unknown.
// Owner: the stack of a read_...().
class TableReader {
public:
    TableReader(const toml::table& table, const std::string& file) : table_(table), file_(file) {}

    // Leaves `value` as it is where the key is not there.
    template <typename Value>
    Done number(const char* key, Value& value, double least, double most) {
        const toml::node* node = take(key);
        if (!node) return {};
        const auto found = node->value<double>();
        if (!found || !node->is_number() || *found < least || *found > most)
            return wrong(*node, fmt::format("{} is a number from {} to {}", key, least, most));
        if (std::is_integral_v<Value> && !node->is_integer())
            return wrong(*node, fmt::format("{} is an integer", key));
        value = static_cast<Value>(*found);
        return {};
    }

    Done text(const char* key, std::string& value) {
        const toml::node* node = take(key);
        if (!node) return {};
        if (!node->is_string()) return wrong(*node, fmt::format("{} is a string", key));
        value = node->as_string()->get();
        return {};
    }

    Done flag(const char* key, bool& value) {
        const toml::node* node = take(key);
        if (!node) return {};
        if (!node->is_boolean()) return wrong(*node, fmt::format("{} is true or false", key));
        value = node->as_boolean()->get();
        return {};
    }

    Done qos(Qos& value) {
        int level = 0;
        if (auto done = number("qos", level, 0, 2); !done) return done;
        value = static_cast<Qos>(level);
        return {};
    }

    // Calls read(table) for each table of an array.
    template <typename Read>
    Done tables(const char* key, Read read) {
        const toml::node* node = take(key);
        if (!node) return {};
        const toml::array* array = node->as_array();
        if (!array) return wrong(*node, fmt::format("{} is an array of tables", key));
        for (const toml::node& one : *array) {
            if (!one.is_table()) return wrong(one, fmt::format("{} is an array of tables", key));
            if (auto done = read(*one.as_table()); !done) return done;
        }
        return {};
    }

    Done end() const {
        for (const auto& [key, node] : table_)
            if (std::find(taken_.begin(), taken_.end(), key.str()) == taken_.end())
                return wrong(node, fmt::format("there is no key '{}'", key.str()));
        return {};
    }

    std::string wrong(const toml::node& node, const std::string& what) const {
        return fmt::format("{}:{}: {}", file_, node.source().begin.line, what);
    }
    std::string wrong(const std::string& what) const { return wrong(table_, what); }

private:
    const toml::node* take(const char* key) {
        taken_.emplace_back(key);
        return table_.get(key);
    }

    const toml::table& table_;
    const std::string& file_;
    std::vector<std::string> taken_;
};

Done read_publish(const toml::table& table, const std::string& file, ClientGroup& group) {
    TableReader reader(table, file);
    PublishPlan plan;
    STARLING_CHECK(reader.text("topic", plan.topic));
    STARLING_CHECK(reader.qos(plan.qos));
    STARLING_CHECK(reader.number("size", plan.bytes, kStampBytes, 16'777'216));
    STARLING_CHECK(reader.number("rate", plan.per_second, 1e-6, 1e9));
    STARLING_CHECK(reader.number("window", plan.window, 1, 32'767));
    STARLING_CHECK(reader.flag("retain", plan.is_retained));
    STARLING_CHECK(reader.end());
    if (!is_topic_name(plan.topic)) return reader.wrong("publish needs a topic without wildcards");
    if ((plan.per_second == 0) == (plan.window == 0))
        return reader.wrong("publish needs a rate or a window, and not both");
    plan.per_second *= group.count;
    group.publishes.push_back(std::move(plan));
    return {};
}

Done read_subscribe(const toml::table& table, const std::string& file, ClientGroup& group) {
    TableReader reader(table, file);
    SubscribePlan plan;
    STARLING_CHECK(reader.text("filter", plan.filter));
    STARLING_CHECK(reader.qos(plan.qos));
    STARLING_CHECK(reader.text("share", plan.share));
    STARLING_CHECK(reader.end());
    if (!is_topic_filter(plan.filter) || is_shared_filter(plan.filter))
        return reader.wrong("subscribe needs a filter; a group to share with is its share");
    group.subscribes.push_back(std::move(plan));
    return {};
}

Result<ClientGroup, std::string> read_group(const toml::table& table, const std::string& file) {
    TableReader reader(table, file);
    ClientGroup group;
    STARLING_CHECK(reader.text("name", group.name));
    STARLING_CHECK(reader.number("count", group.count, 1, 10'000'000));
    STARLING_CHECK(reader.number("keepalive", group.keep_alive_s, 0, 65'535));
    STARLING_CHECK(reader.tables(
        "publish", [&](const toml::table& one) { return read_publish(one, file, group); }));
    STARLING_CHECK(reader.tables(
        "subscribe", [&](const toml::table& one) { return read_subscribe(one, file, group); }));
    STARLING_CHECK(reader.end());
    if (group.name.empty()) return reader.wrong("clients need a name");
    return group;
}

}  // namespace

Result<std::vector<ClientGroup>, std::string> read_fleet(const std::string& path) {
    if (std::filesystem::is_directory(path)) return path + ": a directory";
    errno = 0;
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file.is_open()) return fmt::format("{}: {}", path, std::strerror(errno));
    return parse_fleet(text, path);
}

Result<std::vector<ClientGroup>, std::string> parse_fleet(std::string_view text,
                                                          const std::string& file_name) try {
    const toml::table file = toml::parse(text, file_name);
    std::vector<ClientGroup> groups;
    TableReader reader(file, file_name);
    STARLING_CHECK(reader.tables("clients", [&](const toml::table& table) -> Done {
        auto group = read_group(table, file_name);
        if (!group) return group.error();
        groups.push_back(std::move(*group));
        return {};
    }));
    STARLING_CHECK(reader.end());
    if (groups.empty()) return fmt::format("{}: there are no [[clients]]", file_name);
    return groups;
} catch (const toml::parse_error& error) {
    return fmt::format("{}:{}: {}", file_name, error.source().begin.line, error.description());
}

}  // namespace starling
