// When messages are due.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace starling {

// An open loop: messages are due at even distances, whether or not the broker keeps up, and go
// round the flows in turn. All is computed from numbers, so what is late needs no queue.
//
// `flows` counts those of all processes; `own` lists the ones that this process publishes, in
// rising order, so that several processes keep one rhythm together.
//
// Owner: one process of a run.
class OpenSchedule {
public:
    // REQUIRES: messages_per_second > 0; own is not empty, each below `flows`.
    OpenSchedule(double messages_per_second, std::uint32_t flows, std::vector<std::uint32_t> own,
                 std::uint64_t start_ns);

    // When the message of this number in its flow is due.
    std::uint64_t due_ns(std::uint32_t flow, std::uint32_t sequence) const;

    // When the next one that next() has not told is due.
    std::uint64_t next_due_ns() const { return due_ns(own_[position_], round_); }

    // Tells its flow, and goes on.
    std::uint32_t next();

private:
    double interval_ns_;
    std::uint32_t flows_;
    std::vector<std::uint32_t> own_;
    std::uint64_t start_ns_;
    std::uint32_t round_ = 0;  // messages that each flow has had
    std::size_t position_ = 0;
};

// A closed loop: so many messages of a publisher are on their way at a time, and the end of one
// makes room for the next. Each message has so many ends, as it has receivers, and what is bounded
// is their sum over all messages; a message without any is nowhere on its way. Owner: one flow.
class ClosedWindow {
public:
    ClosedWindow(std::uint32_t messages, std::uint32_t ends)
        : places_(std::uint64_t{messages} * ends),
          ends_(ends) {}

    bool is_open() const { return taken_ + ends_ <= places_; }
    void on_sent() { taken_ += ends_; }

    // More than there are on their way count as those.
    void on_ended(std::uint64_t count) { taken_ -= count < taken_ ? count : taken_; }

    // Gives up what is on its way. Returns the ends that were missing.
    std::uint64_t give_up() { return std::exchange(taken_, 0); }

private:
    std::uint64_t places_;
    std::uint64_t taken_ = 0;
    std::uint32_t ends_;
};

}  // namespace starling
