// One flow at its publisher.
#pragma once

#include <string>

#include "load/schedule.h"
#include "load/site.h"

namespace starling {

// Sends the messages of its flow as they are due and may go. Owner: its client; does not move.
class Publication {
public:
    // Messages sent in one go; then the others have their turn.
    static constexpr int kPerRun = 256;

    Publication(LoadSite& site, Client& client, std::uint32_t flow);

    std::uint32_t flow() const { return flow_; }
    const PublishPlan& plan() const { return plan_; }
    std::uint32_t sent() const { return sent_; }

    // Before the first run(): what is due, in an open loop; in a closed one, how many receivers of
    // this process each message has. It is on its way until all of them have it and, above QoS 0,
    // the broker has answered.
    void follow(const OpenSchedule& schedule) { schedule_ = &schedule; }
    void await_arrivals(std::uint32_t receivers) {
        arrivals_ = ClosedWindow(plan_.window, receivers);
    }

    void on_due() {
        ++due_;
        mark_runnable();
    }
    void on_arrived(std::uint64_t count);
    void mark_runnable();

    void run(std::uint64_t now_ns);

    // Called now and then: what a closed loop has waited for since the last call is given up when
    // nothing at all has come.
    void look_for_stall();

    // The run is over: counts what was due and never left.
    void stop(std::uint64_t now_ns);

private:
    bool may_send(std::uint64_t now_ns) const;
    bool send(std::uint64_t now_ns);
    bool hand_over(std::uint64_t due_ns);
    void on_answer(std::uint64_t due_ns, Reason reason);

    LoadSite& site_;
    Client& client_;
    const PublishPlan& plan_;
    const OpenSchedule* schedule_ = nullptr;
    std::string topic_;
    ClosedWindow answers_, arrivals_;
    std::uint64_t due_ = 0;  // in an open loop
    std::uint32_t flow_;
    std::uint32_t number_;  // among the flows of its plan
    std::uint32_t sent_ = 0;
    bool is_runnable_ = false;
    bool has_moved_ = true;  // since the last look
};

}  // namespace starling
