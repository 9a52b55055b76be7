#include "transport/quic/quic_keys.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/descriptor.h"
#include "base/private_file.h"

namespace starling::quic {
namespace {

// The file: what it is, when it was made, the keys in the order of QuicKeys.
constexpr std::string_view kMagic = "starling quic 1\n";
constexpr std::size_t kFileBytes = 16 + 8 + 16 + 32 + 16 + 64;
static_assert(kMagic.size() == 16);

using File = std::array<std::byte, kFileBytes>;

std::string failure(const std::string& path) { return path + ": " + std::strerror(errno); }

// Calls visit(key) for each key that is kept.
template <typename Keys, typename Visit>
void for_each_kept(Keys& keys, Visit visit) {
    visit(std::span(keys.ids));
    visit(std::span(keys.resets));
    visit(std::span(keys.tokens));
    visit(std::span(keys.tickets));
}

File encode(const QuicKeys& keys, std::uint64_t now_s) {
    File file;
    std::byte* at = store_bytes(file.data(), as_bytes(kMagic));
    at = store_u32(at, static_cast<std::uint32_t>(now_s >> 32));
    at = store_u32(at, static_cast<std::uint32_t>(now_s));
    for_each_kept(keys, [&](auto key) { at = store_bytes(at, key); });
    return file;
}

std::uint64_t made_at_s(const File& file) {
    const std::byte* at = file.data() + kMagic.size();
    return std::uint64_t{load_u32(at)} << 32 | load_u32(at + 4);
}

// Fills in what is kept; the epoch stays.
void decode(const File& file, QuicKeys& keys) {
    const std::byte* at = file.data() + kMagic.size() + 8;
    for_each_kept(keys, [&](auto key) {
        store_bytes(key.data(), {at, key.size()});
        at += key.size();
    });
}

enum class Found : std::uint8_t { Keys, Nothing };

Result<Found, std::string> read_file(const std::string& path, File& file) {
    const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (descriptor.number() < 0 && errno == ENOENT) return Found::Nothing;
    if (descriptor.number() < 0) return failure(path);
    struct stat facts {};
    if (::fstat(descriptor.number(), &facts) != 0) return failure(path);
    if ((facts.st_mode & 077) != 0) return path + ": others may read it; its mode should be 0600";
    const bool is_whole = facts.st_size == kFileBytes &&
                          ::read(descriptor.number(), file.data(), file.size()) == kFileBytes;
    if (!is_whole || as_text(Bytes(file).first(kMagic.size())) != kMagic)
        return path + ": not a file of keys; remove it to start with new ones";
    return Found::Keys;
}

}  // namespace

QuicKeys QuicKeys::random() {
    QuicKeys keys;
    const auto fill = [](void* at, std::size_t size) {
        STARLING_ASSERT(gnutls_rnd(GNUTLS_RND_KEY, at, size) == 0);
    };
    for_each_kept(keys, [&](auto key) { fill(key.data(), key.size()); });
    fill(&keys.epoch, sizeof keys.epoch);
    return keys;
}

Result<QuicKeys, std::string> keep_keys(const std::string& folder, std::uint64_t now_s) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return failure(folder);
    const std::string path = folder + "/quic.keys";
    QuicKeys keys = QuicKeys::random();
    File file{};
    STARLING_TRY(found, read_file(path, file));
    // A clock that was set back makes keys of the future: they are as good as any.
    const bool are_good =
        found == Found::Keys && (made_at_s(file) > now_s || now_s - made_at_s(file) <= kKeysGoodS);
    if (are_good) decode(file, keys);
    else STARLING_CHECK(write_private_file(path, as_text(encode(keys, now_s))));
    gnutls_memset(file.data(), 0, file.size());
    return keys;
}

}  // namespace starling::quic
