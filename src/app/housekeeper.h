// A thread for what would keep a core waiting.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace starling {

// Gives back to the system, every few seconds, what bursts have left free inside the heap; and
// does, when it is told to, what SIGHUP asks for. Owner: the main thread.
class Housekeeper {
public:
    // `reload` is called by the thread of this, one call at a time.
    explicit Housekeeper(std::function<void()> reload);

    // Told again before it has begun, it does it once.
    void tell_to_reload();

private:
    void run(const std::stop_token& stop);

    const std::function<void()> reload_;
    std::mutex mutex_;
    std::condition_variable_any told_;
    bool is_told_ = false;  // guarded by the mutex
    std::jthread thread_;   // last: it uses the others
};

}  // namespace starling
