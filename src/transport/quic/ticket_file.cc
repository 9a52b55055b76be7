#include "transport/quic/ticket_file.h"

#include <array>
#include <gnutls/crypto.h>

#include "base/assert.h"
#include "base/private_file.h"

namespace starling::quic {
namespace {

// The file: what it is, a sum, then ticket, token and limits, each behind its size. The sum is over
// the binding and all that follows.
constexpr std::string_view kMagic = "starling ticket 2\n";
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

void append_part(std::string& content, Bytes part) {
    std::array<std::byte, kSizeBytes> size;
    store_u32(size.data(), static_cast<std::uint32_t>(part.size()));
    content += as_text(size);
    content += as_text(part);
}

// False when it is not whole.
bool take_part(std::string_view& content, ByteVector& part) {
    if (content.size() < kSizeBytes) return false;
    const std::size_t size = load_u32(as_bytes(content).data());
    content.remove_prefix(kSizeBytes);
    if (content.size() < size) return false;
    const Bytes bytes = as_bytes(content.substr(0, size));
    part.assign(bytes.begin(), bytes.end());
    content.remove_prefix(size);
    return true;
}

}  // namespace

Result<QuicConnection::Souvenirs, std::string> read_ticket(const std::string& path,
                                                           const std::string& binding) {
    std::string file;
    STARLING_CHECK(read_own_file(path, Others::MayNothing, file));
    if (!file.starts_with(kMagic) || file.size() < kHeadBytes)
        return path + ": not a file of tickets";
    std::string_view content = std::string_view(file).substr(kHeadBytes);
    if (file.compare(kMagic.size(), kSumBytes, sum_of(binding, content)) != 0)
        return path + ": damaged, or of another server or other certificates";
    QuicConnection::Souvenirs found;
    if (!take_part(content, found.ticket) || !take_part(content, found.token) ||
        !take_part(content, found.limits))
        return path + ": damaged";
    return found;
}

Result<void, std::string> write_ticket(const std::string& path, const std::string& binding,
                                       const QuicConnection::Souvenirs& souvenirs) {
    std::string content;
    for (const Bytes part :
         {Bytes(souvenirs.ticket), Bytes(souvenirs.token), Bytes(souvenirs.limits)})
        append_part(content, part);
    return write_private_file(path, std::string(kMagic) + sum_of(binding, content) + content);
}

}  // namespace starling::quic
