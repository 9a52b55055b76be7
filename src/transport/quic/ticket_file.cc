#include "transport/quic/ticket_file.h"

#include <array>
#include <gnutls/crypto.h>

#include "base/assert.h"
#include "base/private_file.h"

namespace starling::quic {
namespace {

// The file: what it is, a sum, the bytes of the ticket, the ticket, the token. The sum is over the
// binding and all that follows.
constexpr std::string_view kMagic = "starling ticket 1\n";
constexpr std::size_t kSumBytes = 32;
constexpr std::size_t kHeadBytes = kMagic.size() + kSumBytes;
constexpr std::size_t kSizeBytes = 4;

std::string sum_of(std::string_view binding, std::string_view content) {
    const std::string all =
        std::to_string(binding.size()) + ':' + std::string(binding) + std::string(content);
    std::string sum(kSumBytes, '\0');
    STARLING_ASSERT(gnutls_hash_fast(GNUTLS_DIG_SHA256, all.data(), all.size(), sum.data()) == 0);
    return sum;
}

ByteVector bytes_of(std::string_view text) {
    const Bytes bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

}  // namespace

Result<QuicConnection::Souvenirs, std::string> read_ticket(const std::string& path,
                                                           const std::string& binding) {
    std::string file;
    STARLING_CHECK(read_own_file(path, Others::MayNothing, file));
    if (!file.starts_with(kMagic) || file.size() < kHeadBytes + kSizeBytes)
        return path + ": not a file of tickets";
    const std::string_view content = std::string_view(file).substr(kHeadBytes);
    if (file.compare(kMagic.size(), kSumBytes, sum_of(binding, content)) != 0)
        return path + ": damaged, or of another server or other certificates";
    const std::size_t ticket_bytes = load_u32(as_bytes(content).data());
    const std::string_view rest = content.substr(kSizeBytes);
    if (ticket_bytes > rest.size()) return path + ": damaged";
    return QuicConnection::Souvenirs{.ticket = bytes_of(rest.substr(0, ticket_bytes)),
                                     .token = bytes_of(rest.substr(ticket_bytes))};
}

Result<void, std::string> write_ticket(const std::string& path, const std::string& binding,
                                       const QuicConnection::Souvenirs& souvenirs) {
    std::array<std::byte, kSizeBytes> size;
    store_u32(size.data(), static_cast<std::uint32_t>(souvenirs.ticket.size()));
    std::string content(as_text(size));
    content += as_text(souvenirs.ticket);
    content += as_text(souvenirs.token);
    return write_private_file(path, std::string(kMagic) + sum_of(binding, content) + content);
}

}  // namespace starling::quic
