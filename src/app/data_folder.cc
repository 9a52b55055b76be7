#include "app/data_folder.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace starling {
namespace {

std::string failure(const std::string& path) { return path + ": " + std::strerror(errno); }

Result<void, std::string> make_folders(const std::string& path) {
    for (std::size_t end = path.find('/', 1); true; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
            return "cannot make " + failure(part);
        if (end == path.npos) return {};
    }
}

// Whatever the disk takes of it at a time.
bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

Result<std::unique_ptr<DataFolder>, std::string> DataFolder::open(const std::string& path) {
    if (path.empty())
        return std::string(
            "no folder for the data: give one with --data-dir, or set XDG_STATE_HOME or HOME");
    const auto fails = [&](const std::string& why) { return "data folder " + path + ": " + why; };
    if (const auto made = make_folders(path); !made) return fails(made.error());
    if (::access((path + "/.").c_str(), R_OK | W_OK | X_OK) != 0)
        return fails(std::strerror(errno));
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return fails(std::strerror(errno));
    if (about.st_uid != ::geteuid() || (about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fails("another user may write there, and would choose the broker's keys");

    const std::string file = path + "/lock";
    const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) return fails(failure(file));
    std::unique_ptr<DataFolder> folder(new DataFolder(path, lock));
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return folder;
    if (errno == EWOULDBLOCK)
        return fails("another broker uses it; give each its own with --data-dir");
    return fails(failure(file));
}

DataFolder::~DataFolder() { ::close(lock_); }

Result<void, std::string> DataFolder::write(std::string_view name, std::string_view text) const {
    const std::string path = file(name), fresh = path + ".new";
    ::unlink(fresh.c_str());  // what a crash has left
    const int descriptor =
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return failure(fresh);
    const bool is_written = write_all(descriptor, text) && ::fsync(descriptor) == 0;
    const int code = errno;
    ::close(descriptor);
    if (is_written && ::rename(fresh.c_str(), path.c_str()) == 0) return {};
    if (!is_written) errno = code;
    return failure(fresh);
}

}  // namespace starling
