#include "transport/quic/private_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace starling::quic {
namespace {

constexpr off_t kBytesMax = 1 << 20;

// Closes what it holds. Owner: a function.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int number() const { return number_; }

private:
    int number_;
};

std::string failure(const std::string& path) { return path + ": " + std::strerror(errno); }

bool write_all(int descriptor, std::string_view text) {
    return ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
           ::fsync(descriptor) == 0;
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

// Runs that end together leave the file of one of them.
Result<void, std::string> write_private_file(const std::string& path, std::string_view text) {
    std::string fresh = path + ".XXXXXX";
    const Descriptor file(::mkostemp(fresh.data(), O_CLOEXEC));
    if (file.number() < 0) return failure(path);
    if (write_all(file.number(), text) && ::rename(fresh.c_str(), path.c_str()) == 0) return {};
    const std::string why = failure(path);
    ::unlink(fresh.c_str());
    return why;
}

}  // namespace starling::quic
