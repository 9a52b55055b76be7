// A client's certificates in the hands of GnuTLS.
#pragma once

#include <gnutls/gnutls.h>
#include <string>

#include "base/result.h"
#include "transport/quic/client_trust.h"

namespace starling::quic {

// Loads what `trust` names. The error says which file is missing, unreadable or of no use.
Result<void, std::string> load(const ClientTrust& trust,
                               gnutls_certificate_credentials_t credentials);

}  // namespace starling::quic
