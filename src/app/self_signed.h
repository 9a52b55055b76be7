// A certificate that nobody has signed but its own key: for a first start without any preparation.
#pragma once

#include <cstdint>
#include <string>

#include "app/data_folder.h"
#include "base/result.h"
#include "transport/quic/options.h"

namespace starling {

// Seconds that such a certificate is good for.
inline constexpr std::uint64_t kSelfSignedGoodS = 10ull * 365 * 24 * 3600;

// The certificate of this folder, with its key. Made, for this machine's names and its loopback,
// when there is none or when it has expired at `now_s`, in seconds since 1970.
Result<quic::TlsFiles, std::string> keep_self_signed(const DataFolder& folder, std::uint64_t now_s);

// The SHA-256 of the first certificate in a PEM file, as in "AB:12:...". Empty when there is none.
std::string fingerprint(const std::string& certificate_file);

}  // namespace starling
