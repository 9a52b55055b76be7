#include "transport/address_block.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <type_traits>

#include <fmt/format.h>

namespace starling {
namespace {

using Address = std::array<std::uint8_t, 16>;

static_assert(std::has_unique_object_representations_v<AddressBlock>);  // see key()

constexpr unsigned kBits = 128;
constexpr unsigned kMappedBits = 96;  // before the IPv4 address inside an IPv6 one
constexpr Address kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};

bool is_mapped(const Address& address) {
    return std::equal(address.begin(), address.begin() + kMappedBits / 8, kMapped.begin());
}

Address mapped(const in_addr& v4) {
    Address address = kMapped;
    std::memcpy(&address[kMappedBits / 8], &v4, sizeof v4);
    return address;
}

Address address_of(const SocketAddress& from) {
    if (from.family() != AF_INET6)
        return mapped(reinterpret_cast<const sockaddr_in*>(from.data())->sin_addr);
    Address address;
    std::memcpy(address.data(), &reinterpret_cast<const sockaddr_in6*>(from.data())->sin6_addr,
                address.size());
    return address;
}

Address cut(Address address, unsigned bits) {
    for (unsigned bit = bits; bit < kBits; ++bit)
        address[bit / 8] = static_cast<std::uint8_t>(address[bit / 8] & ~(0x80u >> bit % 8));
    return address;
}

struct Parsed {
    Address address;
    bool is_v4;  // as it is written
};

// The system's own parsers take no names, no zones and no short forms.
Result<Parsed, std::string> parse_address(std::string_view text) {
    const std::string host(text);
    in_addr v4{};
    in6_addr v6{};
    const bool is_whole = host.find('\0') == host.npos;  // they would see what comes before it
    if (is_whole && ::inet_pton(AF_INET, host.c_str(), &v4) == 1) return Parsed{mapped(v4), true};
    if (!is_whole || ::inet_pton(AF_INET6, host.c_str(), &v6) != 1)
        return fmt::format(
            "'{}' is not a numeric address: a block is one as 10.0.0.0/8 or 2001:db8::/32", text);
    Parsed parsed{{}, false};
    std::memcpy(parsed.address.data(), &v6, parsed.address.size());
    return parsed;
}

Result<unsigned, std::string> parse_length(std::string_view text, unsigned most) {
    unsigned length = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, length);
    if (error != std::errc{} || stop != end || length > most)
        return fmt::format("after / is a number of bits, 0 to {}", most);
    return length;
}

}  // namespace

AddressBlock::AddressBlock(const Address& address, unsigned bits)
    : address_(cut(address, bits)),
      bits_(static_cast<std::uint8_t>(bits)) {}

Result<AddressBlock, std::string> AddressBlock::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    STARLING_TRY(parsed, parse_address(text.substr(0, slash)));
    const unsigned before = parsed.is_v4 ? kMappedBits : 0;
    if (slash == text.npos) return AddressBlock(parsed.address, kBits);
    const auto length = parse_length(text.substr(slash + 1), kBits - before);
    if (!length) return fmt::format("'{}': {}", text, length.error());
    const AddressBlock block(parsed.address, before + *length);
    if (block.address_ != parsed.address)
        return fmt::format("'{}': bits are set after the first {}; the block is {}", text, *length,
                           block.text());
    return block;
}

AddressBlock AddressBlock::around(const SocketAddress& address, Bits bits) {
    const Address whole = address_of(address);
    return {whole, is_mapped(whole) ? kMappedBits + bits.v4 : bits.v6};
}

bool AddressBlock::contains(const SocketAddress& address) const {
    const Address whole = address_of(address);
    return is_mapped(whole) == is_v4() && cut(whole, bits_) == address_;
}

bool AddressBlock::is_v4() const { return bits_ >= kMappedBits && is_mapped(address_); }

std::string AddressBlock::text() const {
    std::array<char, INET6_ADDRSTRLEN> host{};
    if (is_v4()) ::inet_ntop(AF_INET, &address_[kMappedBits / 8], host.data(), host.size());
    else ::inet_ntop(AF_INET6, address_.data(), host.data(), host.size());
    return fmt::format("{}/{}", host.data(), is_v4() ? bits_ - kMappedBits : bits_);
}

}  // namespace starling
