// Proofs that a client has received something at its address.
#pragma once

#include <cstdint>
#include <gnutls/crypto.h>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "transport/quic/quic_keys.h"
#include "transport/socket.h"

namespace starling::quic {

// Seals what a client is to show again: in a Retry packet for one more attempt from the same
// address and port, in NEW_TOKEN for its next connection from the same address.
// Owner: one core.
class AddressTokens {
public:
    // Seconds that a token is good.
    static constexpr std::uint64_t kRetrySeconds = 10;
    static constexpr std::uint64_t kNewTokenSeconds = 7 * 24 * 3600;

    // Bytes of the longest token.
    static constexpr std::size_t kBytesMax = 80;

    explicit AddressTokens(const QuicKeys& keys) { adopt(keys); }

    // Seals with the newest of these from now on, and opens with each that opens tokens.
    void adopt(const QuicKeys& keys);

    // `first_id` is the id that the client chose, `retry_id` what it must use from now on; both
    // come back when the token does. `now_s` is any clock that other lives of the server share.
    ByteVector for_retry(const SocketAddress& peer, Bytes first_id, Bytes retry_id,
                         std::uint64_t now_s) const;

    // `slot` is the home of the client's id: its next connection can start there.
    ByteVector for_next_time(const SocketAddress& peer, std::uint16_t slot,
                             std::uint64_t now_s) const;

    struct Meaning {
        bool is_retry = false;
        ByteVector first_id;     // of a Retry
        std::uint16_t slot = 0;  // of a NEW_TOKEN
    };
    // None when the token is not ours, too old, of another address, or, of a Retry, shown under
    // another id than `shown_under`.
    std::optional<Meaning> read(Bytes token, const SocketAddress& peer, Bytes shown_under,
                                std::uint64_t now_s) const;

    // Whether it says of itself that it came in a Retry.
    static bool claims_retry(Bytes token);

private:
    struct EndCipher {
        void operator()(gnutls_aead_cipher_hd_t cipher) const { gnutls_aead_cipher_deinit(cipher); }
    };
    using Cipher = std::unique_ptr<std::remove_pointer_t<gnutls_aead_cipher_hd_t>, EndCipher>;

    ByteVector seal(std::byte kind, Bytes plain, Bytes bound_to) const;
    bool open(Bytes token, Bytes bound_to, MutableBytes plain) const;

    std::vector<Cipher> ciphers_;  // the newest first
};

}  // namespace starling::quic
