// The folder of what outlives the process.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/private_file.h"
#include "base/result.h"

namespace starling {

// One folder, this process's alone for as long as this lives: two brokers with the same keys could
// be played off against each other, as a packet of one makes the other reveal how to reset it.
// Owner: the main thread.
class DataFolder {
public:
    // Makes the folder, and those above it, if they are missing: for this user alone. The error
    // names it, and says why it cannot be used.
    static Result<std::unique_ptr<DataFolder>, std::string> open(const std::string& path);
    DataFolder(const DataFolder&) = delete;
    DataFolder& operator=(const DataFolder&) = delete;
    ~DataFolder();

    const std::string& path() const { return path_; }
    std::string file(std::string_view name) const { return path_ + '/' + std::string(name); }

    // Puts `text` into a file that only this user may read. A crash leaves the old one or the new.
    Result<void, std::string> write(std::string_view name, std::string_view text) const {
        return write_private_file(file(name), text);
    }

private:
    DataFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

    std::string path_;
    int lock_;  // a descriptor
};

}  // namespace starling
