// Configures from any text, by lines: what begins with "--set " is said on the command line, what
// begins with "STARLING_" stands in the environment, the rest is the file. Nothing breaks, an error
// says where it is, and what is accepted can be written down as a file and read again.
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "config/settings.h"

namespace starling {
namespace {

constexpr std::string_view kSet = "--set ";
constexpr std::string_view kVariable = "STARLING_";

// What an operator has written. Owner: the stack.
struct Sources {
    std::string file;
    std::vector<std::string> variables;
    std::vector<std::string> assignments;
};

Sources sources_of(std::string_view input) {
    Sources sources;
    while (!input.empty()) {
        const std::size_t size = std::min(input.find('\n'), input.size() - 1) + 1;
        const std::string line(input.substr(0, size - input.substr(0, size).ends_with('\n')));
        if (line.starts_with(kSet)) sources.assignments.push_back(line.substr(kSet.size()));
        else if (line.starts_with(kVariable)) sources.variables.push_back(line);
        else sources.file += line + '\n';
        input.remove_prefix(size);
    }
    return sources;
}

// Every value, as a file has it.
std::string written(const Settings& settings) {
    std::string text;
    for (const Option& option : all_options()) {
        STARLING_ASSERT(!settings.origin(option.name).empty());
        text += option.name + (" = " + option.text(settings.options())) + '\n';
    }
    return text;
}

// An error begins with its place, and says more.
void check_error(const Settings::Outcome& outcome, std::string_view place) {
    if (outcome) return;
    STARLING_ASSERT(outcome.error().starts_with(place));
    STARLING_ASSERT(outcome.error().size() > place.size());
}

// An error begins as "f:7: ".
void check_file_error(const Settings::Outcome& outcome) {
    check_error(outcome, "f:");
    if (outcome) return;
    const std::string& error = outcome.error();
    unsigned line = 0;
    const auto [stop, code] = std::from_chars(&error[2], error.data() + error.size(), line);
    STARLING_ASSERT(code == std::errc{} && line > 0);
    STARLING_ASSERT(std::string_view(stop).starts_with(": ") && std::string_view(stop).size() > 2);
}

void read_variables(Settings& settings, const std::vector<std::string>& variables) {
    std::vector<const char*> list;
    for (const std::string& variable : variables) list.push_back(variable.c_str());
    list.push_back(nullptr);
    check_error(settings.read_environment(list.data()), kVariable);
}

// A wrong assignment leaves the options as they were.
void assign(Settings& settings, const std::string& assignment) {
    const std::string before = written(settings);
    const auto assigned = settings.assign(assignment, "--set");
    check_error(assigned, "--set: ");
    STARLING_ASSERT(assigned || written(settings) == before);
}

void check_written(const Settings& settings) {
    const std::string text = written(settings);
    Settings again;
    STARLING_ASSERT(again.read_toml(text, "f").ok());
    STARLING_ASSERT(written(again) == text);
}

void check_descriptors(Settings settings, std::uint64_t descriptors) {
    const auto fitted = settings.fit_descriptors(descriptors);
    STARLING_ASSERT(fitted || !fitted.error().empty());
    if (!fitted) return;
    const Options& options = settings.options();
    STARLING_ASSERT(options.has_quic() || options.broker.connections_max < descriptors);
    STARLING_ASSERT(options.broker.handshakes_max < descriptors);
}

void run(std::string_view input) {
    const Sources sources = sources_of(input);
    Settings settings;
    check_file_error(settings.read_toml(sources.file, "f"));
    read_variables(settings, sources.variables);
    for (const std::string& assignment : sources.assignments) assign(settings, assignment);
    check_written(settings);
    for (const std::uint64_t descriptors : {20u, 1024u, 1u << 20})
        check_descriptors(settings, descriptors);
}

}  // namespace
}  // namespace starling

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
