// The names of our connections on the wire.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <gnutls/crypto.h>

#include "base/bytes.h"
#include "base/handle.h"
#include "transport/quic/quic_keys.h"

namespace starling::quic {

inline constexpr std::size_t kIdBytes = 17;
inline constexpr std::size_t kResetTokenBytes = 16;

using ConnectionId = std::array<std::byte, kIdBytes>;
using ResetToken = std::array<std::byte, kResetTokenBytes>;

// Issues connection ids that say by themselves whom they name, so no table holds them. The first
// byte steers: its value modulo the number of cores is the core. The other 16 are one AES block:
//
//     index 4 | generation 3 | sequence 2 | core 2 | epoch 4 | zero 1
//
// Without the key nobody sees that two ids are of one connection, and forged ones decrypt to
// nothing: of 2^24 one passes core and zero, and then its epoch and generation must be right too.
// Of an earlier life, which may have had another number of cores, one of 2^18 seems to be. Owner:
// one core.
class ConnectionIds {
public:
    // REQUIRES: cores != 0, core < cores.
    ConnectionIds(const QuicKeys& keys, CoreId core, CoreId cores);
    ConnectionIds(const ConnectionIds&) = delete;
    ConnectionIds& operator=(const ConnectionIds&) = delete;
    ~ConnectionIds();

    // Of the generation 24 bits are kept: after 8 million lives of one place it repeats.
    // `salt` is any byte; the steering byte hides the core in it.
    ConnectionId issue(Handle connection, std::uint16_t sequence, std::byte salt) const;

    enum class Origin : std::uint8_t {
        Foreign,  // not ours
        Current,
        Earlier,  // ours, of an earlier life of this server
    };
    struct Meaning {
        Origin origin = Origin::Foreign;
        std::uint32_t index = 0;
        std::uint32_t generation = 0;  // 24 bits
    };
    // Any bytes, of any length.
    Meaning read(Bytes id) const;

    // What ends the connection of this id when its state is lost (RFC 9000, section 10.3).
    ResetToken reset_token(Bytes id) const;

    static constexpr std::uint32_t kGenerationMask = 0xFF'FFFF;

private:
    std::array<std::byte, 32> reset_key_;
    std::uint32_t epoch_;
    CoreId core_;
    CoreId cores_;
    mutable gnutls_cipher_hd_t block_ = nullptr;
};

// Which of `cores` owns the connection of this datagram: its connection id's first byte modulo
// cores. What is too short to have one goes to core 0. The kernel's filter says the same.
CoreId steer(Bytes datagram, CoreId cores);

}  // namespace starling::quic
