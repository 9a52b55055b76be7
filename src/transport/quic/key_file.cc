#include "transport/quic/key_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/descriptor.h"
#include "base/private_file.h"

namespace starling::quic {
namespace {

// The file: what it is, then each set, the newest first: when it was made, the keys in the order of
// KeySet.
constexpr std::string_view kMagic = "starling quic 1\n";
constexpr std::size_t kSetBytes = 8 + 16 + 32 + 16 + 64;
constexpr std::size_t kFileBytesMax = kMagic.size() + limits::kQuicKeySets * kSetBytes;

using File = std::array<std::byte, kFileBytesMax>;

std::string failure(const std::string& path) { return path + ": " + std::strerror(errno); }

std::string path_in(const std::string& folder) { return folder + "/quic.keys"; }

// Calls visit(key) for each key that is kept.
template <typename Set, typename Visit>
void for_each_key(Set& set, Visit visit) {
    visit(std::span(set.ids));
    visit(std::span(set.resets));
    visit(std::span(set.tokens));
    visit(std::span(set.tickets));
}

std::byte* encode(const KeySet& set, std::byte* at) {
    at = store_u32(at, static_cast<std::uint32_t>(set.made_at_s >> 32));
    at = store_u32(at, static_cast<std::uint32_t>(set.made_at_s));
    for_each_key(set, [&](auto key) { at = store_bytes(at, key); });
    return at;
}

KeySet decode(const std::byte* at) {
    KeySet set;
    set.made_at_s = std::uint64_t{load_u32(at)} << 32 | load_u32(at + 4);
    at += 8;
    for_each_key(set, [&](auto key) {
        store_bytes(key.data(), {at, key.size()});
        at += key.size();
    });
    return set;
}

bool is_possible(std::size_t bytes) {
    return bytes > kMagic.size() && bytes <= kFileBytesMax &&
           (bytes - kMagic.size()) % kSetBytes == 0;
}

// The bytes that are there: none where there is no file.
Result<std::size_t, std::string> read_file(const std::string& path, File& file) {
    const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (descriptor.number() < 0 && errno == ENOENT) return std::size_t{0};
    if (descriptor.number() < 0) return failure(path);
    struct stat facts {};
    if (::fstat(descriptor.number(), &facts) != 0) return failure(path);
    if ((facts.st_mode & 077) != 0) return path + ": others may read it; its mode should be 0600";
    const auto size = static_cast<std::size_t>(facts.st_size);
    const bool is_whole = is_possible(size) && ::read(descriptor.number(), file.data(), size) ==
                                                   static_cast<ssize_t>(size);
    if (!is_whole || as_text(Bytes(file).first(kMagic.size())) != kMagic)
        return path + ": not a file of keys; remove it to start with new ones";
    return size;
}

void clear(File& file) { gnutls_memset(file.data(), 0, file.size()); }

}  // namespace

Result<QuicKeys, std::string> keep_keys(const std::string& folder, std::uint64_t now_s) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return failure(folder);
    QuicKeys keys = QuicKeys::random(now_s);
    File file{};
    STARLING_TRY(size, read_file(path_in(folder), file));
    if (size == 0) {
        STARLING_CHECK(write_keys(folder, keys));
        return keys;
    }
    keys.sets.clear();
    for (std::size_t at = kMagic.size(); at < size; at += kSetBytes) {
        keys.sets.push_back(decode(&file[at]));
        keys.sets.back().place = static_cast<std::uint8_t>(keys.sets.size() - 1);
    }
    clear(file);
    return keys;
}

Result<void, std::string> write_keys(const std::string& folder, const QuicKeys& keys) {
    File file;
    std::byte* end = store_bytes(file.data(), as_bytes(kMagic));
    for (const KeySet& set : keys.sets) end = encode(set, end);
    const auto size = static_cast<std::size_t>(end - file.data());
    const auto written = write_private_file(path_in(folder), as_text(Bytes(file).first(size)));
    clear(file);
    return written;
}

}  // namespace starling::quic
