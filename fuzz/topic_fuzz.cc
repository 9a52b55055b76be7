// Judges and matches any filter and topic name beside a reference that is slow and obviously right.
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "mqtt/topic.h"

namespace starling {
namespace {

using Levels = std::vector<std::string>;

Levels split(std::string_view topic) {
    Levels levels(1);
    for (const char c : topic) {
        if (c == '/') levels.emplace_back();
        else levels.back().push_back(c);
    }
    return levels;
}

bool is_legal(const Levels& filter) {
    if (filter == Levels{""}) return false;
    for (std::size_t i = 0; i < filter.size(); ++i) {
        const std::string& level = filter[i];
        const bool wild = level.find_first_of("+#") != level.npos;
        if (wild && level.size() > 1) return false;
        if (level == "#" && i + 1 < filter.size()) return false;
    }
    return true;
}

bool match(const Levels& filter, std::size_t i, const Levels& topic, std::size_t j) {
    const bool topic_ends = j == topic.size();
    if (i == filter.size()) return topic_ends;
    const bool hidden = i == 0 && topic[0].starts_with('$');
    if (filter[i] == "#") return !hidden;
    if (topic_ends) return false;
    const bool same = filter[i] == "+" ? !hidden : filter[i] == topic[j];
    return same && match(filter, i + 1, topic, j + 1);
}

void check_share(std::string_view filter) {
    const auto shared = split_share(filter);
    if (!shared) {
        STARLING_ASSERT(filter.starts_with("$share/") && !is_topic_filter(filter));
        return;
    }
    STARLING_ASSERT(is_topic_filter(filter) == is_legal(split(shared->filter)));
    if (shared->name.empty()) {
        STARLING_ASSERT(shared->filter == filter && !filter.starts_with("$share/"));
        return;
    }
    const std::string joined = "$share/" + std::string(shared->name) + "/";
    STARLING_ASSERT(joined + std::string(shared->filter) == filter);
    STARLING_ASSERT(shared->name.find_first_of("/+#") == shared->name.npos);
    STARLING_ASSERT(!shared->filter.empty());
}

void run(std::string_view input) {
    const std::size_t end = input.find('\n');
    const std::string_view filter = input.substr(0, end);
    const std::string_view topic = end == input.npos ? "" : input.substr(end + 1);
    STARLING_ASSERT(level_count(topic) == split(topic).size());
    STARLING_ASSERT(is_topic_name(topic) ==
                    (!topic.empty() && topic.find_first_of("+#") == topic.npos));
    check_share(filter);
    if (is_legal(split(filter)) && is_topic_name(topic))
        STARLING_ASSERT(matches(filter, topic) == match(split(filter), 0, split(topic), 0));
}

}  // namespace
}  // namespace starling

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
