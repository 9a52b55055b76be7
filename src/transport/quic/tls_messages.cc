#include "transport/quic/tls_messages.h"

#include "base/bytes.h"

namespace starling::quic {
namespace {

// RFC 8446, section 4.2.
constexpr unsigned kProtocolsExtension = 16;
constexpr unsigned kTicketsExtension = 41;
constexpr unsigned kEarlyDataExtension = 42;

std::string_view text_of(const unsigned char* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// Takes a field that begins with its size, in `width` bytes, off the front of `rest`; empty when
// it is not whole.
std::string_view take_field(std::string_view& rest, std::size_t width) {
    if (rest.size() < width) return rest = {};
    std::size_t size = 0;
    for (std::size_t at = 0; at < width; ++at)
        size = size << 8 | static_cast<unsigned char>(rest[at]);
    rest.remove_prefix(width);
    if (rest.size() < size) return rest = {};
    const std::string_view field = rest.substr(0, size);
    rest.remove_prefix(size);
    return field;
}

int on_extension(void* hello, unsigned kind, const unsigned char* data, unsigned size) {
    auto& known = *static_cast<ClientHello*>(hello);
    std::string_view body = text_of(data, size);
    if (kind == kEarlyDataExtension) known.asks_early = true;
    if (kind == kProtocolsExtension) known.protocols = take_field(body, 2);
    if (kind == kTicketsExtension) {
        std::string_view tickets = take_field(body, 2);
        known.ticket = take_field(tickets, 2);
    }
    return 0;
}

}  // namespace

bool ClientHello::offers(std::string_view protocol) const {
    std::string_view rest = protocols;
    while (!rest.empty())
        if (take_field(rest, 1) == protocol) return true;
    return false;
}

ClientHello read_client_hello(const gnutls_datum_t& body) {
    ClientHello hello;
    gnutls_ext_raw_parse(&hello, on_extension, &body, GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO);
    return hello;
}

bool permits_early_data(const gnutls_datum_t& body) {
    constexpr std::size_t kLifetimeAndAgeBytes = 8;
    std::string_view rest = text_of(body.data, body.size);
    if (rest.size() < kLifetimeAndAgeBytes) return false;
    rest.remove_prefix(kLifetimeAndAgeBytes);
    take_field(rest, 1);  // the nonce
    take_field(rest, 2);  // the ticket
    std::string_view extensions = take_field(rest, 2);
    while (extensions.size() > 2) {
        const std::string_view kind = extensions.substr(0, 2);
        extensions.remove_prefix(2);
        const std::string_view value = take_field(extensions, 2);
        if (load_u16(as_bytes(kind).data()) == kEarlyDataExtension)
            return value.size() == 4 && load_u32(as_bytes(value).data()) == kEarlyDataOfQuic;
    }
    return false;
}

}  // namespace starling::quic
