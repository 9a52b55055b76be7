// Mail between the cores of one process.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/core_set.h"
#include "base/handle.h"
#include "reactor/spsc_queue.h"
#include "reactor/waker.h"

namespace starling {

// From one core to one other: a queue, and how much of what was asked for is done. The sender
// counts its requests, the receiver those it has finished. Owner: Mailboxes.
template <typename Mail>
struct MailLane {
    SpscQueue<Mail> queue;
    alignas(64) std::atomic<std::uint64_t> finished{0};
    std::atomic<bool> is_starved{false};  // the sender waits for `finished` to grow
};

// Every lane of a process and whom to wake. Owner: the process; outlives its mailboxes.
template <typename Mail>
class MailLanes {
public:
    explicit MailLanes(CoreId cores)
        : cores_(cores),
          lanes_(std::size_t{cores} * cores),
          wakers_(cores) {
        for (auto& lane : lanes_) lane = std::make_unique<MailLane<Mail>>();
    }

    CoreId cores() const { return cores_; }
    MailLane<Mail>& lane(CoreId from, CoreId to) { return *lanes_[from * cores_ + to]; }

    // REQUIRES: told of every core before the first turn of any.
    void set_waker(CoreId core, Waker& waker) { wakers_[core] = &waker; }
    void wake(CoreId core) { wakers_[core]->notify(); }

private:
    const CoreId cores_;
    std::vector<std::unique_ptr<MailLane<Mail>>> lanes_;
    std::vector<Waker*> wakers_;
};

// One core's end of all its lanes: mail goes out at once, who sleeps is woken once a turn by
// post().
//
// A request costs one credit of its lane until the receiver has finished it, whatever that takes;
// how much is left is looked at once a turn by drain(), so a sender that handles its mail never has
// more answers waiting than credit. What is not a request (answers, and what requests cause
// further on) is bounded by the requests.
//
// Owner: one core.
template <typename Mail>
class Mailbox {
public:
    Mailbox(MailLanes<Mail>& lanes, CoreId self, std::uint32_t credit)
        : lanes_(lanes),
          self_(self),
          ends_(lanes.cores()) {
        for (End& end : ends_) end.credit = credit;
    }

    CoreId self() const { return self_; }
    CoreId cores() const { return lanes_.cores(); }

    // Whether a request may go to every other core.
    bool has_credit() const { return exhausted_.empty(); }
    bool has_credit(CoreId to) const { return !exhausted_.has(to); }

    // REQUIRES: has_credit(to).
    void request(CoreId to, Mail mail) {
        STARLING_ASSERT(ends_[to].credit != 0);
        if (--ends_[to].credit == 0) exhausted_.add(to);
        send(to, std::move(mail));
    }

    // Mail that needs no credit.
    void send(CoreId to, Mail mail) {
        STARLING_ASSERT(to != self_);
        lanes_.lane(self_, to).queue.push(std::move(mail));
        written_.add(to);
        ++sent_;
    }

    // A request of `from` is done with.
    void finish(CoreId from) {
        ++ends_[from].finished;
        finishing_.add(from);
    }

    bool has_mail() const {
        for (CoreId from = 0; from < cores(); ++from)
            if (from != self_ && !lanes_.lane(from, self_).queue.empty()) return true;
        return false;
    }

    // Learns which requests are finished, then calls visit(from, mail) for all that waits now, in
    // the order of each sender, but for `most` of each at most.
    template <typename Visit>
    void drain(Visit visit, std::uint64_t most = ~std::uint64_t{0}) {
        for (CoreId core = 0; core < cores(); ++core)
            if (core != self_) refresh(core);
        for (CoreId from = 0; from < cores(); ++from) {
            if (from == self_) continue;
            SpscQueue<Mail>& queue = lanes_.lane(from, self_).queue;
            Mail mail;
            std::uint64_t rest = std::min<std::uint64_t>(queue.size(), most);
            for (; rest != 0 && queue.pop(mail); --rest) {
                visit(from, mail);
                ++received_;
            }
        }
    }

    // Wakes who was written to, tells senders what is finished and wakes those that wait for it.
    void post() {
        finishing_.for_each([&](CoreId from) {
            MailLane<Mail>& lane = lanes_.lane(from, self_);
            lane.finished.store(ends_[from].finished, std::memory_order_release);
            std::atomic_thread_fence(std::memory_order_seq_cst);
            if (lane.is_starved.load(std::memory_order_relaxed)) written_.add(from);
        });
        written_.for_each([&](CoreId to) { lanes_.wake(to); });
        finishing_ = {};
        written_ = {};
    }

    // False while somebody has yet to be woken or told.
    bool is_posted() const { return written_.empty() && finishing_.empty(); }

    // The core would like more credit: the next that comes wakes it.
    void await_credit() {
        exhausted_.for_each([&](CoreId to) {
            lanes_.lane(self_, to).is_starved.store(true, std::memory_order_relaxed);
        });
    }

    // Some has come since drain(): asked after the core has said that it falls asleep.
    bool has_more_credit() const {
        bool has_more = false;
        exhausted_.for_each([&](CoreId to) {
            const auto& finished = lanes_.lane(self_, to).finished;
            has_more |= finished.load(std::memory_order_acquire) != ends_[to].seen;
        });
        return has_more;
    }

    // Mail that went out and came in since the beginning.
    std::uint64_t sent() const { return sent_; }
    std::uint64_t received() const { return received_; }

private:
    struct End {
        std::uint32_t credit = 0;    // requests that may still go there
        std::uint64_t seen = 0;      // of ours, finished there as far as we know
        std::uint64_t finished = 0;  // of theirs, here
    };

    void refresh(CoreId to) {
        MailLane<Mail>& lane = lanes_.lane(self_, to);
        const std::uint64_t finished = lane.finished.load(std::memory_order_acquire);
        if (finished == ends_[to].seen) return;
        ends_[to].credit += static_cast<std::uint32_t>(finished - ends_[to].seen);
        ends_[to].seen = finished;
        exhausted_.remove(to);
        lane.is_starved.store(false, std::memory_order_relaxed);
    }

    MailLanes<Mail>& lanes_;
    const CoreId self_;
    std::vector<End> ends_;
    CoreSet exhausted_;  // no request may go there
    CoreSet written_;    // to be woken
    CoreSet finishing_;  // to be told
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
};

}  // namespace starling
