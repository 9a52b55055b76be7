// Threads for work that blocks, so that no core ever does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "reactor/waker.h"

namespace starling {

// Where finished work comes back to. Bounded by the jobs that its pools take.
//
// Owner: one core, which calls run() in its turn and asks has_any() before it sleeps; the pool's
// threads put completions in and wake it.
class Completions {
public:
    explicit Completions(Waker& waker) : waker_(waker) {}

    // Waits for the work that was submitted for this core; forgets what should follow.
    ~Completions();

    // Calls what has arrived, oldest first.
    void run();

    bool has_any() const { return has_any_.load(std::memory_order_acquire); }

private:
    friend class OffloadPool;
    using Done = std::function<void()>;

    void expect();
    void arrive(Done done);  // ends what one expect() began
    void forget();           // likewise

    Waker& waker_;
    std::atomic<bool> has_any_{false};
    std::mutex mutex_;  // guards the rest
    std::condition_variable settled_;
    std::vector<Done> arrived_;
    std::size_t expected_ = 0;
};

// A fixed number of threads and a bounded queue of jobs. Owner: the process.
class OffloadPool {
public:
    OffloadPool(std::size_t threads, std::size_t jobs_max);
    ~OffloadPool();  // finishes the jobs that have begun, drops the others

    // Runs `work` on a thread, then `done` on the core of `home`. False when `jobs_max` wait
    // already: nothing was taken. Neither may throw. Any thread.
    [[nodiscard]] bool submit(Completions& home, std::function<void()> work,
                              std::function<void()> done);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace starling
