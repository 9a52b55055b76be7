// The secrets of a server that outlive a connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace starling::quic {

// One set for all cores. With the keys of an earlier life a server recognises that life's ids and
// tokens; the epoch tells the lives apart.
// Owner: any core; immutable once made.
struct QuicKeys {
    std::array<std::byte, 16> ids{};      // seals connection ids
    std::array<std::byte, 32> resets{};   // makes stateless reset tokens
    std::array<std::byte, 16> tokens{};   // seals address tokens
    std::array<std::byte, 64> tickets{};  // seals TLS session tickets
    std::uint32_t epoch = 0;              // of this start

    // All random, from the system.
    static QuicKeys random();
};

// Seconds after which kept keys are replaced. Who comes with an id, a token or a ticket of older
// ones is a stranger.
inline constexpr std::uint64_t kKeysGoodS = 30 * 24 * 3600;

// The keys that lie in `folder`, or new ones, which from then on lie there: in a file of mode 0600
// that nobody else may read, under an epoch of this start. The error says what is wrong with the
// folder or the file; keys that others could read are not used.
Result<QuicKeys, std::string> keep_keys(const std::string& folder, std::uint64_t now_s);

}  // namespace starling::quic
