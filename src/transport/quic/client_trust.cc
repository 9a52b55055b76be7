#include "transport/quic/client_trust.h"

#include <array>
#include <fstream>
#include <gnutls/crypto.h>
#include <iterator>

#include "base/assert.h"

namespace starling::quic {
namespace {

// After its length, so that no two lists of texts read the same.
std::string measured(const std::string& text) { return std::to_string(text.size()) + ':' + text; }

std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string hex(const std::array<unsigned char, 32>& bytes) {
    std::string text;
    for (const unsigned char byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

}  // namespace

std::string ClientTrust::digest() const {
    const std::string all = measured(is_anybody_trusted ? "anybody" : "verified") +
                            measured(content(authority_file)) + measured(authority_folder) +
                            measured(known_certificate) + measured(content(certificate_file));
    std::array<unsigned char, 32> sum;
    STARLING_ASSERT(gnutls_hash_fast(GNUTLS_DIG_SHA256, all.data(), all.size(), sum.data()) == 0);
    return hex(sum);
}

}  // namespace starling::quic
