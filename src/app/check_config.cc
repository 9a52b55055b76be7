#include "app/check_config.h"

#include <fmt/format.h>

namespace starling {

std::string effective_settings(const Settings& settings) {
    std::string text;
    for (const Option& option : all_options()) {
        const std::string line =
            fmt::format("{} = {}", option.name, option.text(settings.options()));
        text += fmt::format("{:<44} # {}\n", line, settings.origin(option.name));
    }
    for (const std::string& note : settings.notes()) text += fmt::format("# {}\n", note);
    return text;
}

}  // namespace starling
