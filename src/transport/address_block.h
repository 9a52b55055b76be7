// Blocks of addresses, as operators write them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "transport/socket.h"

namespace starling {

// All addresses that begin with the same bits: "192.0.2.0/24", "2001:db8::/32".
//
// An IPv4 address inside an IPv6 one (::ffff:192.0.2.7), as a socket of both families reports it,
// is the IPv4 one, and in no block of IPv6.
// Owner: a value.
class AddressBlock {
public:
    // A numeric address, '/' and a number of bits; without those two, a block of one address. An
    // error is a sentence that says what is wrong. Refuses bits that are set beyond the length:
    // one of the two is a mistake.
    static Result<AddressBlock, std::string> parse(std::string_view text);

    // The block that an address is in, of so many bits for each family.
    struct Bits {
        std::uint8_t v4, v6;
    };
    static AddressBlock around(const SocketAddress& address, Bits bits);

    bool contains(const SocketAddress& address) const;

    std::string text() const;

    // The same for the same block, and different for others.
    Bytes key() const { return std::as_bytes(std::span(this, 1)); }

    bool operator==(const AddressBlock&) const = default;

private:
    using Address = std::array<std::uint8_t, 16>;

    AddressBlock(const Address& address, unsigned bits);

    bool is_v4() const;

    Address address_;    // of IPv4, as an IPv6 address
    std::uint8_t bits_;  // of those 128
};

}  // namespace starling
