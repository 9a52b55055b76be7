// What happened in a run, and the first thing that was wrong.
#pragma once

#include <cstddef>
#include <cstdio>
#include <deque>
#include <string>

namespace starling {

// Keeps the last lines of a run's story. Owner: the driver.
class Trace {
public:
    static constexpr std::size_t kLines = 200;

    explicit Trace(bool is_loud) : is_loud_(is_loud) {}

    void add(std::string line) {
        if (is_loud_) std::fprintf(stderr, "%s\n", line.c_str());
        lines_.push_back(std::move(line));
        if (lines_.size() > kLines) lines_.pop_front();
    }

    // Only the first failure counts: what comes after may follow from it.
    void fail(const std::string& what) {
        if (has_failed()) return;
        failure_ = what;
        add("!!! " + what);
    }

    bool has_failed() const { return !failure_.empty(); }
    const std::string& failure() const { return failure_; }

    // The last lines, the failure included.
    std::string story() const {
        std::string all;
        for (const std::string& line : lines_) all += line + "\n";
        return all;
    }

private:
    bool is_loud_;
    std::deque<std::string> lines_;
    std::string failure_;
};

}  // namespace starling
