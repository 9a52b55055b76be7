// A thread for what would keep a core waiting.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace starling {

// Every few seconds gives back to the system what bursts have left free inside the heap, and looks
// at what ages; and does, when it is told to, what SIGHUP asks for. Owner: the main thread.
class Housekeeper {
public:
    // Called by the thread of this, one call at a time.
    struct Chores {
        std::function<void()> reload;
        std::function<void()> look;  // at what ages
    };
    explicit Housekeeper(Chores chores);

    // Told again before it has begun, it does it once.
    void tell_to_reload();

private:
    void run(const std::stop_token& stop);

    const Chores chores_;
    std::mutex mutex_;
    std::condition_variable_any told_;
    bool is_told_ = false;  // guarded by the mutex
    std::jthread thread_;   // last: it uses the others
};

}  // namespace starling
