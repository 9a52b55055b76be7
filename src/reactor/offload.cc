#include "reactor/offload.h"

#include <deque>
#include <thread>
#include <utility>

namespace starling {

struct OffloadPool::State {
    struct Job {
        Completions& home;
        std::function<void()> work;
        std::function<void()> done;
    };

    void serve();
    void finish(Job& job);

    std::size_t jobs_max;
    std::mutex mutex;  // guards what follows, but for the threads
    std::condition_variable changed;
    std::deque<Job> jobs;
    bool stopping = false;
    std::vector<std::thread> threads;
};

OffloadPool::OffloadPool(std::size_t threads, std::size_t jobs_max) : state_(new State) {
    state_->jobs_max = jobs_max;
    for (std::size_t i = 0; i < threads; ++i)
        state_->threads.emplace_back([state = state_.get()] { state->serve(); });
}

OffloadPool::~OffloadPool() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->changed.notify_all();
    for (std::thread& thread : state_->threads) thread.join();
    for (State::Job& job : state_->jobs) job.home.forget();
}

bool OffloadPool::submit(Completions& home, std::function<void()> work,
                         std::function<void()> done) {
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->jobs.size() >= state_->jobs_max) return false;
        home.expect();
        state_->jobs.push_back({home, std::move(work), std::move(done)});
    }
    state_->changed.notify_one();
    return true;
}

void OffloadPool::State::serve() {
    std::unique_lock lock(mutex);
    for (;;) {
        changed.wait(lock, [&] { return stopping || !jobs.empty(); });
        if (stopping) return;
        Job job = std::move(jobs.front());
        jobs.pop_front();
        lock.unlock();
        finish(job);
        lock.lock();
    }
}

// What the work holds is gone before its core hears of it.
void OffloadPool::State::finish(Job& job) {
    job.work();
    job.work = nullptr;
    job.home.arrive(std::move(job.done));
}

Completions::~Completions() {
    std::unique_lock lock(mutex_);
    settled_.wait(lock, [&] { return expected_ == 0; });
}

void Completions::run() {
    std::vector<Done> arrived;
    {
        const std::lock_guard lock(mutex_);
        arrived.swap(arrived_);
        has_any_.store(false, std::memory_order_relaxed);
    }
    for (Done& done : arrived) done();
}

void Completions::expect() {
    const std::lock_guard lock(mutex_);
    ++expected_;
}

// All of it under the lock: the moment nothing more is expected, this object may be gone.
void Completions::arrive(Done done) {
    const std::lock_guard lock(mutex_);
    arrived_.push_back(std::move(done));
    has_any_.store(true, std::memory_order_release);
    waker_.notify();
    --expected_;
    settled_.notify_all();
}

void Completions::forget() {
    const std::lock_guard lock(mutex_);
    --expected_;
    settled_.notify_all();
}

}  // namespace starling
