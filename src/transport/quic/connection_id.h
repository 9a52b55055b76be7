// The names of our connections on the wire.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <gnutls/crypto.h>
#include <memory>
#include <type_traits>
#include <vector>

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
// Of an earlier life, which may have had another number of cores, one of 2^18 seems to be.
//
// There is a key in each set of keys, and an id is read by trying them, the newest first: what
// makes it ours under one is noise under the others. Owner: one core.
class ConnectionIds {
public:
    // REQUIRES: cores != 0, core < cores.
    ConnectionIds(const QuicKeys& keys, CoreId core, CoreId cores);

    // Knows these from now on. Ids of a set that is not among them are foreign.
    void adopt(const QuicKeys& keys);

    // The place of the newest set.
    std::uint8_t newest() const { return seals_.front().place; }

    // Of the generation 24 bits are kept: after 8 million lives of one place it repeats.
    // `salt` is any byte; the steering byte hides the core in it. Under the newest set, or that of
    // a place. REQUIRES: there is one.
    ConnectionId issue(Handle connection, std::uint16_t sequence, std::byte salt) const {
        return issue(connection, sequence, salt, newest());
    }
    ConnectionId issue(Handle connection, std::uint16_t sequence, std::byte salt,
                       std::uint8_t place) const;

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

    // What ends the connection of this id when its state is lost (RFC 9000, section 10.3): for as
    // long as the set that has sealed it is known, the same. REQUIRES: it is not foreign.
    ResetToken reset_token(Bytes id) const;

    static constexpr std::uint32_t kGenerationMask = 0xFF'FFFF;

private:
    struct EndCipher {
        void operator()(gnutls_cipher_hd_t cipher) const { gnutls_cipher_deinit(cipher); }
    };
    // What there is of one set.
    struct Seal {
        std::unique_ptr<std::remove_pointer_t<gnutls_cipher_hd_t>, EndCipher> block;
        decltype(KeySet::resets) resets;
        std::uint8_t place;
    };
    struct Opened {
        Meaning meaning;
        const Seal* seal;
    };
    static Seal seal_of(const KeySet& set);
    Opened open(Bytes id) const;
    Meaning open(Bytes id, const Seal& seal) const;

    std::vector<Seal> seals_;  // the newest first
    std::uint32_t epoch_;
    CoreId core_;
    CoreId cores_;
};

// Which of `cores` owns the connection of this datagram: its connection id's first byte modulo
// cores. What is too short to have one goes to core 0. The kernel's filter says the same.
CoreId steer(Bytes datagram, CoreId cores);

}  // namespace starling::quic
