// What a core counts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace starling {

enum class Count : std::uint8_t {
    BytesReceived,
    BytesSent,
    PacketsReceived,
    PublishReceived,
    PublishSent,
    ConnectsAccepted,
    ConnectsRefused,
    ProtocolErrors,
    DroppedQueueFull,
    DroppedOutboxFull,
    DroppedTooLarge,
    DroppedExpired,
    DroppedNoMember,
    RetainedRefused,
    SessionsEvicted,
    HandshakesEvicted,
    AcceptPauses,
    Takeovers,
    CreditPauses,
    Denied,
    MemoryPauses,
    DroppedMemory,
    EndedForMemory,
    TurnsCutReads,  // turns that spent this budget of theirs; what is left waits for the next
    TurnsCutReports,
    TurnsCutAccepts,
    TurnsCutTimers,
    TurnsCutReplays,
    TurnsCutFanOuts,
    StoreCommits,
    StoreTimeouts,
    ChannelsOpened,
    // As things stand: set, not added to.
    SessionsAbsent,
    OldestAbsence,  // when it began; kNever: nobody is absent
    OldestCommit,   // of the store, under way: when it began; kNever: none is
    Subscriptions,
    SubscriptionsShared,
    kEnd,
};

// What operators read of them, in the order of the enumeration, as far as they are counted.
inline constexpr const char* kCountNames[] = {
    "bytes_received",     "bytes_sent",          "packets_received",  "publish_received",
    "publish_sent",       "connects_accepted",   "connects_refused",  "protocol_errors",
    "dropped_queue_full", "dropped_outbox_full", "dropped_too_large", "dropped_expired",
    "dropped_no_member",  "retained_refused",    "sessions_evicted",  "handshakes_evicted",
    "accept_pauses",      "takeovers",           "credit_pauses",     "denied",
    "memory_pauses",      "dropped_memory",      "ended_for_memory",  "turns_cut_reads",
    "turns_cut_reports",  "turns_cut_accepts",   "turns_cut_timers",  "turns_cut_replays",
    "turns_cut_fan_outs", "store_commits",       "store_timeouts",    "channels_opened",
};
static_assert(std::size(kCountNames) == static_cast<std::size_t>(Count::SessionsAbsent));

// Owner: one core writes; anybody may read, and sees each value at some recent moment.
class alignas(64) Counters {
public:
    void add(Count count, std::uint64_t amount = 1) {
        auto& value = values_[static_cast<std::size_t>(count)];
        value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    void set(Count count, std::uint64_t value) {
        values_[static_cast<std::size_t>(count)].store(value, std::memory_order_relaxed);
    }
    void add_all(const Counters& others) {
        for (std::size_t i = 0; i < values_.size(); ++i) {
            const auto count = static_cast<Count>(i);
            add(count, others[count]);
        }
    }
    std::uint64_t operator[](Count count) const {
        return values_[static_cast<std::size_t>(count)].load(std::memory_order_relaxed);
    }

private:
    std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Count::kEnd)> values_{};
};

}  // namespace starling
