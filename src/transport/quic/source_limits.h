// Who may have how many handshakes half open.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "transport/address_block.h"

namespace starling::quic {

// Bounds the handshakes that one source network has half open, so that it cannot take the places of
// all others. A network is an IPv4 /24 or an IPv6 /48: the smallest blocks that the Internet routes
// by themselves, so who has one address of them may have them all.
//
// Datagrams come under any address that their sender writes on them. Who has not answered a Retry
// may have half the places of its network at most, and from there on is asked to: somebody who
// sends under the addresses of a network costs those who are there a round trip, and never their
// places. The token of an earlier connection is no answer here. It is good for a week, for any
// number of connections, and whoever was given one can write its address on datagrams elsewhere.
//
// There is an entry for each network with a handshake half open: fewer than there are handshakes,
// which the server bounds.
// Owner: one core.
class SourceLimits {
public:
    // `handshakes_max` of each network, but for sources in the `unlimited` blocks, which outlive
    // this. The key is secret: nobody can aim at a place in the table.
    SourceLimits(std::uint32_t handshakes_max, const std::vector<AddressBlock>& unlimited,
                 const HashKey& key);

    // A handshake, as it counts. Plain data.
    struct Claim {
        std::optional<AddressBlock> network;  // none: it is not counted
        bool has_answered = false;            // a Retry
    };
    Claim claim(const SocketAddress& source, bool has_answered) const;

    enum class Verdict : std::uint8_t {
        Admit,
        Prove,   // not before it has answered a Retry
        Refuse,  // its network has all that it may have
    };
    Verdict judge(const Claim& claim) const;

    // The handshake begins; it is over, however it ended. REQUIRES: leave() once for each enter().
    void enter(const Claim& claim);
    void leave(const Claim& claim);

    // Networks that have a handshake half open.
    std::size_t networks() const { return counts_.size(); }

private:
    struct Counts {
        std::uint32_t handshakes = 0;
        std::uint32_t unanswered = 0;  // of those
    };
    struct Hash {
        HashKey key;
        std::size_t operator()(const AddressBlock& network) const {
            return keyed_hash(key, as_text(network.key()));
        }
    };

    std::uint32_t handshakes_max_;
    const std::vector<AddressBlock>& unlimited_;
    std::unordered_map<AddressBlock, Counts, Hash> counts_;
};

}  // namespace starling::quic
