// When several cores have nothing left to say to each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/handle.h"

namespace starling {

// Something that all cores are to see once it has happened. Owner: the process.
class StopFlag {
public:
    void raise() { is_up_.store(true, std::memory_order_release); }
    bool is_up() const { return is_up_.load(std::memory_order_acquire); }

private:
    std::atomic<bool> is_up_{false};
};

// Each core reports what mail it has sent and received, and whether it is done but for mail. Cores
// that begin nothing by themselves any more are quiet when two looks in a row, one after the other,
// see all done and the same sums, as many received as sent (Mattern's four counters, 1987).
//
// Owner: the process; each core writes its own line.
class Quiescence {
public:
    explicit Quiescence(CoreId cores) : cores_(cores), lines_(new Line[cores]) {}

    // What a look saw. Owner: the core that looks.
    struct Look {
        std::uint64_t sent = 0;
        std::uint64_t received = 0;
        bool all_done = false;
    };

    void report(CoreId core, std::uint64_t sent, std::uint64_t received, bool is_done) {
        Line& line = lines_[core];
        // Others read in the opposite order: who sees the mail received sees that it was sent.
        line.sent.store(sent, std::memory_order_seq_cst);
        line.received.store(received, std::memory_order_seq_cst);
        line.is_done.store(is_done, std::memory_order_seq_cst);
    }

    // Looks once more; true when all are quiet. `last` is what the look before saw.
    bool has_come(Look& last) {
        Look now{0, 0, true};
        for (CoreId core = 0; core < cores_; ++core) {
            const Line& line = lines_[core];
            now.all_done = line.is_done.load(std::memory_order_seq_cst) && now.all_done;
            now.received += line.received.load(std::memory_order_seq_cst);
            now.sent += line.sent.load(std::memory_order_seq_cst);
        }
        const bool is_same = last.all_done && now.all_done && last.sent == now.sent &&
                             last.received == now.received && now.sent == now.received;
        last = now;
        return is_same;
    }

private:
    struct alignas(64) Line {
        std::atomic<std::uint64_t> sent{0};
        std::atomic<std::uint64_t> received{0};
        std::atomic<bool> is_done{false};
    };

    const CoreId cores_;
    std::unique_ptr<Line[]> lines_;
};

}  // namespace starling
