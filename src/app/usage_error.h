// Why a program does not start.
#pragma once

#include <string>

namespace starling {

struct UsageError {
    std::string text;
    int status = 1;
};

// Status 2: what is asked for is not in this build.
inline UsageError not_in_this_build(const std::string& what) {
    return {what + " is not in this build.", 2};
}

}  // namespace starling
