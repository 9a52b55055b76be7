// Where a server's keys lie between its lives.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "transport/quic/quic_keys.h"

namespace starling::quic {

// The keys that lie in `folder`, however old, or new ones, which from then on lie there: in a file
// of mode 0600 that nobody else may read. Their epoch is of this start. The error says what is
// wrong with the folder or the file; keys that others could read are not used. Blocks.
Result<QuicKeys, std::string> keep_keys(const std::string& folder, std::uint64_t now_s);

// Puts other keys in their place. After an error those of before lie there. Blocks.
Result<void, std::string> write_keys(const std::string& folder, const QuicKeys& keys);

}  // namespace starling::quic
