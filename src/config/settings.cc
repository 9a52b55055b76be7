#include "config/settings.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace starling {
namespace {

// Descriptors that are nobody's connection: listeners, epoll, files, the standard three.
constexpr std::uint64_t kReservedDescriptors = 64;

std::size_t index_of(const Option& option) {
    return static_cast<std::size_t>(&option - all_options().data());
}

std::string unknown(std::string_view name) {
    return fmt::format("there is no option '{}'; the nearest is '{}'", name,
                       nearest_option(name).name);
}

bool is_section(std::string_view name) {
    const auto options = all_options();
    return std::any_of(options.begin(), options.end(), [&](const Option& option) {
        return std::string_view(option.name).substr(0, name.size() + 1) == std::string(name) + '.';
    });
}

std::string ill_typed(const Option& option) {
    const char* type = option.kind == Option::Kind::Number   ? "an integer"
                       : option.kind == Option::Kind::Switch ? "true or false"
                       : option.kind == Option::Kind::Choice || option.kind == Option::Kind::Path
                           ? "a string"
                           : "a string, or an array of strings that are not empty";
    return fmt::format("{} is {}", option.name, type);
}

// An array of strings as the command line has it: with commas.
std::optional<std::string> joined(const toml::array& array) {
    std::string text;
    for (const toml::node& element : array) {
        const auto word = element.value_exact<std::string_view>();
        if (!word || word->empty()) return std::nullopt;
        text += fmt::format("{}{}", text.empty() ? "" : ",", *word);
    }
    return text;
}

// A value of a file as the command line would have it; none when it is of another type.
std::optional<std::string> plain_text(const Option& option, const toml::node& node) {
    const auto kind = option.kind;
    if (kind == Option::Kind::Number && node.is_integer())
        return fmt::to_string(node.as_integer()->get());
    if (kind == Option::Kind::Switch && node.is_boolean())
        return std::string(node.as_boolean()->get() ? "true" : "false");
    if (kind != Option::Kind::Number && kind != Option::Kind::Switch && node.is_string())
        return node.as_string()->get();
    const bool may_be_none = kind == Option::Kind::Blocks;
    const bool is_list = may_be_none || kind == Option::Kind::Endpoints;
    if (!is_list || !node.is_array() || (node.as_array()->empty() && !may_be_none))
        return std::nullopt;
    return joined(*node.as_array());
}

// Walks a file's tables. Owner: the stack of read_toml().
class TomlReader {
public:
    TomlReader(Settings& settings, const std::string& file) : settings_(settings), file_(file) {}

    Settings::Outcome read(const toml::table& table, const std::string& prefix) {
        for (const auto& [key, node] : table) {
            const std::string name = prefix + std::string(key.str());
            const std::string place = fmt::format("{}:{}", file_, key.source().begin.line);
            const toml::table* inner = is_section(name) ? node.as_table() : nullptr;
            STARLING_CHECK(inner ? read(*inner, name + '.') : take(name, node, place));
        }
        return {};
    }

private:
    Settings::Outcome take(const std::string& name, const toml::node& node,
                           const std::string& place) {
        const Option* option = find_option(name);
        if (!option) return fmt::format("{}: {}", place, unknown(name));
        const auto text = plain_text(*option, node);
        if (!text) return fmt::format("{}: {}", place, ill_typed(*option));
        return settings_.assign(name, *text, place);
    }

    Settings& settings_;
    const std::string& file_;
};

}  // namespace

Settings::Outcome Settings::read_file(const std::string& path) {
    errno = 0;
    std::ifstream file(path);
    std::ostringstream text;
    if (file) text << file.rdbuf();  // fails for an empty file, too
    if (!text && errno == 0) text.clear();
    if (!file || !text) return fmt::format("{}: {}", path, std::strerror(errno));
    return read_toml(text.str(), path);
}

Settings::Outcome Settings::read_toml(std::string_view text, const std::string& file_name) try {
    has_file_ = true;
    return TomlReader(*this, file_name).read(toml::parse(text, file_name), "");
} catch (const toml::parse_error& error) {
    return fmt::format("{}:{}: {}", file_name, error.source().begin.line, error.description());
}

Settings::Outcome Settings::read_environment(const char* const* variables) {
    for (; *variables; ++variables) {
        const std::string_view entry = *variables;
        const std::string_view variable = entry.substr(0, entry.find('='));
        if (variable.substr(0, 9) != "STARLING_" || variable.size() == entry.size()) continue;

        const auto options = all_options();
        const auto option = std::find_if(options.begin(), options.end(), [&](const Option& any) {
            return variable == variable_of(any);
        });
        if (option != options.end()) {
            STARLING_CHECK(
                assign(option->name, entry.substr(variable.size() + 1), std::string(variable)));
            continue;
        }
        // As an option's name, were it one: the first underscore ends the section.
        std::string name(variable.substr(9));
        for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        const std::size_t section = name.find('_');
        if (section == name.npos || !is_section(name.substr(0, section))) continue;
        name[section] = '.';
        return fmt::format("{}: no such option; the nearest is {}", variable,
                           variable_of(nearest_option(name)));
    }
    return {};
}

Settings::Outcome Settings::assign(std::string_view assignment, const std::string& origin) {
    const std::size_t equals = assignment.find('=');
    if (equals == assignment.npos)
        return fmt::format("{}: '{}' is not section.key=value", origin, assignment);
    return assign(assignment.substr(0, equals), assignment.substr(equals + 1), origin);
}

Settings::Outcome Settings::assign(std::string_view name, std::string_view value,
                                   const std::string& origin) {
    const Option* option = find_option(name);
    if (!option) return fmt::format("{}: {}", origin, unknown(name));
    if (const auto parsed = option->parse(options_, value); !parsed)
        return fmt::format("{}: {}", origin, parsed.error());
    origins_[index_of(*option)] = origin;
    return {};
}

const std::string& Settings::origin(std::string_view name) const {
    const Option* option = find_option(name);
    STARLING_ASSERT(option);
    return origins_[index_of(*option)];
}

Settings::Outcome Settings::fit_descriptors(std::uint64_t descriptors) {
    const std::uint64_t usable = descriptors > 2 * kReservedDescriptors
                                     ? descriptors - kReservedDescriptors
                                     : descriptors / 2;
    const auto most = [&](std::string_view name, std::uint64_t share) {
        return is_default(name) ? std::max<std::uint64_t>(share, 1) : usable;
    };
    // A QUIC client takes none, so where there may be some their number is no bound.
    if (!options_.has_quic())
        STARLING_CHECK(fit("limits.connections", most("limits.connections", usable - usable / 10),
                           descriptors));
    return fit("limits.handshakes", most("limits.handshakes", usable / 10), descriptors);
}

Settings::Outcome Settings::fit(std::string_view name, std::uint64_t most,
                                std::uint64_t descriptors) {
    const Option& option = *find_option(name);
    const std::uint64_t value = option.get(options_);
    if (value <= most) return {};
    if (!is_default(name))
        return fmt::format(
            "{}: {} is {}, but the process may open {} descriptors, which is room for {}; raise "
            "the limit of open files (ulimit -n, LimitNOFILE)",
            origin(name), name, value, descriptors, most);
    option.set(options_, most);
    notes_.push_back(fmt::format("{} lowered from {} to {}: the process may open {} descriptors",
                                 name, value, most, descriptors));
    return {};
}

Settings::Outcome Settings::fit_memory(std::uint64_t bytes) {
    std::uint64_t& memory_max = options_.broker.memory_max;
    if (memory_max == 0) memory_max = std::max(bytes / 4 * 3, limits::kMemoryLeast);
    if (memory_max < limits::kMemoryLeast)
        return fmt::format("{}: memory.max is {}: at least {}", origin("memory.max"), memory_max,
                           limits::kMemoryLeast);
    if (memory_max <= bytes) return {};
    return fmt::format("{}: memory.max is {}, but there are {} bytes of memory",
                       origin("memory.max"), memory_max, bytes);
}

void Settings::place_data(std::string_view state_home, std::string_view home) {
    if (!is_default("data_dir")) return;
    // The specification of these folders has a path that is not absolute ignored.
    if (state_home.starts_with('/'))
        options_.runtime.data_dir = fmt::format("{}/starling", state_home);
    else if (home.starts_with('/'))
        options_.runtime.data_dir = fmt::format("{}/.local/state/starling", home);
}

std::uint64_t usable_memory() {
    const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
    std::uint64_t bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    for (const char* limit :
         {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
        std::uint64_t allowed = 0;
        if (std::ifstream(limit) >> allowed && allowed != 0) bytes = std::min(bytes, allowed);
    }
    return bytes;
}

std::uint64_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;  // what every system grants
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

}  // namespace starling
