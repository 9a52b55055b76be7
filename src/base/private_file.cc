#include "base/private_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"

namespace starling {
namespace {

constexpr off_t kBytesMax = 1 << 20;

std::string failure(const std::string& path) { return path + ": " + std::strerror(errno); }

// Whatever the disk takes of it at a time.
bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::fsync(descriptor) == 0;
}

}  // namespace

Result<void, std::string> read_own_file(const std::string& path, Others others, std::string& text) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat facts {};
    if (file.number() < 0 || ::fstat(file.number(), &facts) != 0) return failure(path);
    const mode_t forbidden = others == Others::MayRead ? S_IWGRP | S_IWOTH : S_IRWXG | S_IRWXO;
    if (!S_ISREG(facts.st_mode) || facts.st_uid != ::geteuid() || (facts.st_mode & forbidden) != 0)
        return path + ": not a file that is yours alone";
    if (facts.st_size > kBytesMax) return path + ": too large";
    text.resize(static_cast<std::size_t>(facts.st_size));
    if (::read(file.number(), text.data(), text.size()) != facts.st_size)
        return path + ": cannot be read";
    return {};
}

// Under a name of its own at first: of runs that end together one's file stays, and is whole.
Result<void, std::string> write_private_file(const std::string& path, std::string_view text) {
    std::string fresh = path + ".XXXXXX";
    const Descriptor file(::mkostemp(fresh.data(), O_CLOEXEC));
    if (file.number() < 0) return failure(path);
    if (write_all(file.number(), text) && ::rename(fresh.c_str(), path.c_str()) == 0) return {};
    const std::string why = failure(path);
    ::unlink(fresh.c_str());
    return why;
}

}  // namespace starling
