// Which certificate QUIC clients see.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "config/settings.h"

namespace starling {

// The files that the operator has named. None: nobody has configured anything, so the broker makes
// a certificate of its own. The error says what is missing. REQUIRES: it listens on QUIC.
Result<std::optional<quic::TlsFiles>, std::string> named_certificate(const Settings& settings);

// Whether a broker with these settings would start, as far as its certificate is concerned.
Result<void, std::string> check_certificate(const Settings& settings);

}  // namespace starling
