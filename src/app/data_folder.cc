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

}  // namespace starling
