// What the command lines of pub, sub and bench say of QUIC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "app/usage_error.h"
#include "base/result.h"
#include "transport/listener.h"
#include "transport/quic/client_trust.h"

namespace starling {

// As they were typed.
struct QuicFlags {
    bool is_quic = false, is_insecure = false;
    std::optional<std::string> authority_file, authority_folder, certificate_file, key_file;
};

// Whom a client of `host`, as it was typed, trusts; none without --quic. Who names no authority
// trusts, at an address of this machine, the certificate that a broker of this user made for
// itself, too.
Result<std::optional<quic::ClientTrust>, UsageError> understand(const QuicFlags& flags,
                                                                const std::string& host);

// Where a broker of this user keeps that: $XDG_STATE_HOME/starling, or ~/.local/state/starling.
// "" for a user without a home.
std::string own_certificate_file();

}  // namespace starling
