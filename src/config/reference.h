// The pages that explain every option, made from the table.
#pragma once

#include <string>

namespace starling {

std::string configuration_page();  // docs/configuration.md
std::string limits_page();         // docs/limits.md

}  // namespace starling
