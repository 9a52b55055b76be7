// One process of a run: its clients, and the phases they go through.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "load/alarm.h"
#include "load/channel.h"
#include "load/load_client.h"
#include "load/message.h"
#include "load/pace.h"

namespace starling {

// What a worker stands on. All but the alarm outlives it.
struct WorkerGround {
    Core& core;
    OffloadPool& resolvers;
    Dial dial;
    const LoadScenario& scenario;
    const Roster& roster;
    std::uint32_t number;  // among the processes of the run
    Channel& channel;
    SentBoard& board;
    std::unique_ptr<Alarm> alarm;
};

// Does its part of a scenario as it is told by its channel: connects, subscribes, publishes,
// drains, judges, leaves. Owner: the process's core.
class Worker final : public ClientLoop, public LoadClientListener {
public:
    // Attempts to connect, and SUBSCRIBEs after the hold, without an answer at a time.
    static constexpr std::size_t kUnsettledMax = 256;

    // After the last message what is missing is waited for: so long from the last arrival, and so
    // long at most, which is enough for one message to a million.
    static constexpr std::uint64_t kDrainQuietNs = 3'000'000'000;
    static constexpr std::uint64_t kDrainNs = 120'000'000'000;

    // Waiting for the broker to close the connections.
    static constexpr TimeMs kLeaveMs = 5'000;

    explicit Worker(WorkerGround ground);

    // To the end; returns when there is nothing left to do, or nobody to do it for.
    void run();

    void read(std::span<const Readiness> ready) override;
    void timer(std::uint64_t token) override;
    void post() override;
    bool has_work() const override;

    void on_settled() override;
    void on_gone() override;

    static constexpr std::uint64_t kAlarmToken = 0;
    static constexpr std::uint64_t kChannelToken = 1;

private:
    static constexpr std::uint64_t kTickToken = 2;
    static constexpr std::uint64_t kLeaveToken = 3;
    static constexpr TimeMs kTickMs = 1'000;

    enum class Phase : std::uint8_t {
        Connecting,
        Subscribing,
        Waiting,  // for an order
        Running,
        Draining,
        Leaving,
    };

    // An open loop over all flows of one plan, of which the first is `first`.
    struct OpenLoop {
        OpenLoop(std::uint32_t first, std::uint32_t flows, const std::vector<Publication*>& own,
                 std::uint64_t start_ns);
        static std::vector<std::uint32_t> numbers(const std::vector<Publication*>& own,
                                                  std::uint32_t first);

        OpenSchedule schedule;
        std::vector<Publication*> publications;  // by their number in the plan; null: elsewhere
    };

    void make_clients(std::uint32_t number);
    void follow_orders();
    void follow(const WorkerOrder& order);
    void settle_more();
    void begin_run(const WorkerOrder& order);
    void make_open_loops();
    void watch_arrivals();
    void publish(std::uint64_t now_ns);
    void stop(std::uint64_t now_ns);
    void begin_drain();
    void drain(std::uint64_t now_ns);
    void judge();
    void leave();
    void tick();
    void set_alarm();
    void say(WorkerNews news);

    template <typename Visit>
    void for_each_publication(Visit visit);
    template <typename Visit>
    void for_each_reception(Visit visit);

    LoadSite site_;
    Channel& channel_;
    SentBoard& board_;
    std::unique_ptr<Alarm> alarm_;
    std::deque<LoadClient> clients_;
    std::vector<std::unique_ptr<Reception>> shared_;  // by group; null where nothing is shared
    std::deque<OpenLoop> open_loops_;

    Phase phase_ = Phase::Connecting;
    Pace connects_;
    std::size_t begun_ = 0;      // clients of the phase that have been told
    std::size_t unsettled_ = 0;  // and have not answered
    std::size_t left_ = 0;

    std::uint64_t start_ns_ = 0;
    std::uint64_t expected_ = 0;  // messages, when draining
    std::uint64_t received_before_ = 0;
    std::uint64_t quiet_until_ns_ = 0;
    std::uint64_t drain_until_ns_ = 0;
};

}  // namespace starling
