// What has been seen before, for who may let nothing in twice.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/hash.h"

namespace starling {

// Remembers for a fixed time, in a fixed space that all cores share without a lock. It keeps half
// of a hash, in a place that the other half chooses: one in a thousand million that are new is
// taken for one that was seen. Owner: the process; any core calls.
class ReplayRegister {
public:
    enum class Verdict : std::uint8_t {
        New,   // it is remembered from now on
        Seen,  // already, or at this very moment by another core too: then neither is New
        Full,  // no room where it would belong; it is not remembered
    };

    // `entries` is rounded up to whole cache lines of eight. Each is remembered for `lifetime_s`.
    // `key` is secret: nobody can aim at a place.
    ReplayRegister(std::size_t entries, std::uint32_t lifetime_s, const HashKey& key);
    ReplayRegister(const ReplayRegister&) = delete;
    ReplayRegister& operator=(const ReplayRegister&) = delete;

    // `now_s` is of one clock for all, and below 2^32 - lifetime_s.
    Verdict record(std::string_view what, std::uint32_t now_s);

    std::size_t entries() const { return count_ * kLine; }

private:
    static constexpr std::size_t kLine = 8;

    // The second in which it is forgotten, then the hash's lower half; 0: nobody.
    using Entry = std::atomic<std::uint64_t>;
    struct alignas(64) Line {
        Entry entries[kLine] = {};
    };

    static std::uint32_t ends(std::uint64_t entry) {
        return static_cast<std::uint32_t>(entry >> 32);
    }
    static bool holds(const Line& line, const Entry* but, std::uint32_t mark, std::uint32_t now_s);
    static Entry* take_place(Line& line, std::uint64_t entry, std::uint32_t now_s);

    std::size_t count_;
    std::uint32_t lifetime_s_;
    HashKey key_;
    std::unique_ptr<Line[]> lines_;
};

}  // namespace starling
