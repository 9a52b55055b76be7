// The processes of a run, led through it together.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "load/channel.h"
#include "load/message.h"
#include "load/outcome.h"
#include "load/roster.h"

namespace starling {

// What is told while it runs.
struct RunNews {
    enum class Kind : std::uint8_t { Connecting, Holding, Running, Draining };

    Kind kind = Kind::Connecting;
    double seconds = 0;                    // since the last of its kind
    Tally total;                           // its latencies are those since the last of its kind
    std::uint64_t sent = 0, received = 0;  // since the last
};

// Forks a process for each part of the scenario, and gives the orders: each phase begins when all
// have ended the one before. Owner: the process that leads, which has no threads when it calls.
class Crew {
public:
    // A process that says nothing for so long has lost its way: it is ended, and the run has
    // failed.
    static constexpr int kSilenceMs = 60'000;

    // When something can be read from `interrupt`, what goes on ends early and what follows it is
    // done: after a hold the messages, after the messages the judgement, after connecting nothing.
    // `broker`: its process, or 0.
    Crew(const LoadScenario& scenario, pid_t broker, int interrupt,
         std::function<void(const RunNews&)> tell);
    ~Crew();

    Result<RunOutcome> run();

private:
    struct Member {
        pid_t process = 0;
        std::unique_ptr<Channel> channel;
        Tally last;  // as it last said
        WorkerNews news = WorkerNews::Progress;
        bool is_gone = false;
    };

    Result<void> fork_all();
    Result<void> fork_one(std::uint32_t number);
    void connect();
    void hold();
    void subscribe();
    void publish();
    void judge();

    void order(const WorkerOrder& order);
    bool all_have(WorkerNews news) const;
    void wait_for(WorkerNews news, RunNews::Kind kind);
    void wait_until(std::uint64_t at_ns, RunNews::Kind kind);
    void hear(int timeout_ms, RunNews::Kind kind);
    void take_interrupt();
    void hear(Member& member);
    void tell(RunNews::Kind kind);
    Tally total() const;
    std::optional<ProcessUsage> usage() const;

    const LoadScenario& scenario_;
    const Roster roster_;
    pid_t broker_;
    int interrupt_;
    std::function<void(const RunNews&)> tell_;
    std::unique_ptr<SentBoard> board_;
    std::vector<Member> members_;
    RunOutcome outcome_;
    std::uint64_t begun_ns_ = monotonic_ns();

    Histogram latest_ns_;   // since the last news
    std::size_t told_ = 0;  // members that have reported since
    std::uint64_t last_told_ns_ = 0;
    std::uint64_t last_sent_ = 0, last_received_ = 0;
};

}  // namespace starling
