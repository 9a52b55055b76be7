// A limit that all cores of a process share.
#pragma once

#include <atomic>
#include <cstdint>

namespace starling {

// Counts what is in use against a limit, exactly. Owner: the process; any core calls.
class Quota {
public:
    explicit Quota(std::uint64_t limit) : limit_(limit) {}

    // False when that would exceed the limit: nothing was taken.
    [[nodiscard]] bool try_take(std::uint64_t amount = 1) {
        std::uint64_t used = used_.load(std::memory_order_relaxed);
        do {
            if (amount > limit_ || used > limit_ - amount) return false;
        } while (!used_.compare_exchange_weak(used, used + amount, std::memory_order_relaxed));
        note_most(used + amount);
        return true;
    }

    // Takes whatever the limit says; the caller then makes room.
    void take(std::uint64_t amount = 1) {
        note_most(used_.fetch_add(amount, std::memory_order_relaxed) + amount);
    }
    void give_back(std::uint64_t amount = 1) { used_.fetch_sub(amount, std::memory_order_relaxed); }

    std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
    bool is_exceeded() const { return used() > limit_; }

    // The most that was ever in use at once.
    std::uint64_t most() const { return most_.load(std::memory_order_relaxed); }

private:
    void note_most(std::uint64_t used) {
        std::uint64_t most = most_.load(std::memory_order_relaxed);
        while (used > most && !most_.compare_exchange_weak(most, used, std::memory_order_relaxed)) {
        }
    }

    const std::uint64_t limit_;
    std::atomic<std::uint64_t> used_{0};
    std::atomic<std::uint64_t> most_{0};
};

}  // namespace starling
