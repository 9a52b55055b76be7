#include "transport/stream.h"

#include "transport/fault.h"

namespace starling {

std::string Stream::ending_text(const Error& error) const {
    return error.code == 0 ? "closed by the peer" : error_text(error.code);
}

}  // namespace starling
