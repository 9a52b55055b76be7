#include "load/worker.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/time.h"

namespace starling {
namespace {

constexpr std::uint64_t kNoMoment = ~std::uint64_t{0};

}  // namespace

Worker::Worker(WorkerGround ground)
    : ClientLoop(ground.core, ground.resolvers, ground.number, std::move(ground.dial)),
      site_{.scenario = ground.scenario, .roster = ground.roster},
      channel_(ground.channel),
      board_(ground.board),
      alarm_(std::move(ground.alarm)),
      connects_(ground.scenario.connect_rate / ground.scenario.processes, monotonic_ns()) {
    make_clients(ground.number);
}

void Worker::make_clients(std::uint32_t number) {
    site_.measures_answers = true;
    for (const ClientGroup& group : site_.scenario.groups) {
        auto& shared = shared_.emplace_back();
        for (const SubscribePlan& plan : group.subscribes) {
            site_.measures_answers = false;
            if (!plan.share.empty()) shared = std::make_unique<Reception>();
        }
        for (const PublishPlan& plan : group.publishes)
            site_.payload.resize(std::max<std::size_t>(site_.payload.size(), plan.bytes));
    }
    for (const ClientPlace place : site_.roster.clients_of(number))
        clients_.emplace_back(site_, *this, *this, place, shared_[place.group].get());
}

void Worker::run() {
    core().timers().arm(kTickToken, core().now() + kTickMs);
    core().run(*this);
}

void Worker::read(std::span<const Readiness> ready) {
    for (const Readiness& one : ready)
        if (one.token == kChannelToken) follow_orders();
    ClientLoop::read(ready);
}

// Before the turn writes: what was read has made room for more.
void Worker::post() {
    const std::uint64_t now = monotonic_ns();
    switch (phase_) {
        case Phase::Connecting:
        case Phase::Subscribing: settle_more(); break;
        case Phase::Running: publish(now); break;
        case Phase::Draining: drain(now); break;
        case Phase::Waiting:
        case Phase::Leaving: break;
    }
    set_alarm();
}

bool Worker::has_work() const {
    return (site_.is_publishing && !site_.runnable.empty()) || ClientLoop::has_work();
}

void Worker::timer(std::uint64_t token) {
    if (token == kTickToken) tick();
    else if (token == kLeaveToken) core().stop();
    else ClientLoop::timer(token);
}

void Worker::tick() {
    core().timers().arm(kTickToken, core().now() + kTickMs);
    if (phase_ == Phase::Running)
        for_each_publication([](Publication& publication) { publication.look_for_stall(); });
    if (phase_ != Phase::Leaving) say(WorkerNews::Progress);
}

// --- Orders --------------------------------------------------------------------------------------

void Worker::follow_orders() {
    for (;;) {
        auto message = channel_.receive();
        if (!message) return core().stop();  // nobody is left to do this for
        if (!*message) return;
        follow(unpack_order(**message));
    }
}

void Worker::follow(const WorkerOrder& order) {
    switch (order.kind) {
        case WorkerOrder::Kind::Subscribe:
            phase_ = Phase::Subscribing;
            begun_ = unsettled_ = 0;
            break;
        case WorkerOrder::Kind::Run: begin_run(order); break;
        case WorkerOrder::Kind::Stop:
            if (phase_ == Phase::Running) stop(monotonic_ns());
            break;
        case WorkerOrder::Kind::Judge: begin_drain(); break;
        case WorkerOrder::Kind::Leave: leave(); break;
    }
}

void Worker::say(WorkerNews news) {
    WorkerReport report{.news = news, .tally = site_.tally};
    if (news == WorkerNews::Progress) {
        report.tally.latency_ns = std::exchange(site_.latest_ns, Histogram());
        report.tally.missing.clear();
    }
    channel_.send(pack(report));
}

// --- Connecting and subscribing ------------------------------------------------------------------

void Worker::settle_more() {
    const bool connects = phase_ == Phase::Connecting;
    const std::uint64_t now = monotonic_ns();
    while (begun_ < clients_.size() && unsettled_ < kUnsettledMax &&
           (!connects || connects_.allows(begun_, now))) {
        LoadClient& client = clients_[begun_++];
        ++unsettled_;
        if (connects) client.connect();
        else client.subscribe_late();
    }
    if (begun_ < clients_.size() || unsettled_ != 0) return;
    phase_ = Phase::Waiting;
    say(connects ? WorkerNews::Connected : WorkerNews::Subscribed);
}

void Worker::on_settled() { --unsettled_; }

// --- Publishing ----------------------------------------------------------------------------------

void Worker::begin_run(const WorkerOrder& order) {
    phase_ = Phase::Running;
    start_ns_ = order.start_ns;
    site_.count_from_ns = order.count_from_ns;
    site_.count_until_ns = order.count_until_ns;
    make_open_loops();
    watch_arrivals();
}

// One for each plan that has a rate, over those of its flows that are published here.
void Worker::make_open_loops() {
    std::map<std::uint32_t, std::vector<Publication*>> by_plan;  // named by its first flow
    for_each_publication([&](Publication& publication) {
        if (publication.plan().per_second == 0) return;
        by_plan[site_.roster.siblings(publication.flow()).first].push_back(&publication);
    });
    for (auto& [first, publications] : by_plan) {
        const FlowRange flows = site_.roster.siblings(first);
        OpenLoop& loop =
            open_loops_.emplace_back(first, flows.end - flows.first, publications, start_ns_);
        for (Publication* publication : publications) publication->follow(loop.schedule);
    }
}

Worker::OpenLoop::OpenLoop(std::uint32_t first, std::uint32_t flows,
                           const std::vector<Publication*>& own, std::uint64_t start_ns)
    : schedule(own.front()->plan().per_second, flows, numbers(own, first), start_ns),
      publications(flows) {
    for (Publication* publication : own) publications[publication->flow() - first] = publication;
}

std::vector<std::uint32_t> Worker::OpenLoop::numbers(const std::vector<Publication*>& own,
                                                     std::uint32_t first) {
    std::vector<std::uint32_t> numbers;
    for (const Publication* publication : own) numbers.push_back(publication->flow() - first);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

// The receivers in this process stand for all.
void Worker::watch_arrivals() {
    std::vector<std::uint32_t> receivers(site_.roster.flows());
    for_each_reception([&](const std::string&, Reception& reception) {
        for (const Reception::Expected& one : reception.expected())
            for (std::uint32_t flow = one.flows.first; flow < one.flows.end; ++flow)
                ++receivers[flow];
    });
    site_.awaiting_arrivals.assign(site_.roster.flows(), nullptr);
    for_each_publication([&](Publication& publication) {
        if (publication.plan().window == 0) return;
        site_.awaiting_arrivals[publication.flow()] = &publication;
        publication.await_arrivals(receivers[publication.flow()]);
    });
}

void Worker::publish(std::uint64_t now_ns) {
    if (now_ns < start_ns_) return;
    if (!std::exchange(site_.is_publishing, true))
        for_each_publication([](Publication& publication) { publication.mark_runnable(); });
    const std::uint64_t due_until_ns = std::min(now_ns + 1, site_.count_until_ns);
    for (OpenLoop& loop : open_loops_)
        while (loop.schedule.next_due_ns() < due_until_ns)
            loop.publications[loop.schedule.next()]->on_due();
    for (Publication* publication : std::exchange(site_.runnable, {})) publication->run(now_ns);
    if (now_ns >= site_.count_until_ns) stop(now_ns);
}

void Worker::stop(std::uint64_t now_ns) {
    site_.is_publishing = false;
    site_.count_until_ns = std::min(site_.count_until_ns, now_ns);
    for_each_publication([&](Publication& publication) {
        publication.stop(now_ns);
        board_.sent()[publication.flow()] = publication.sent();
    });
    phase_ = Phase::Waiting;
    say(WorkerNews::Stopped);
}

void Worker::set_alarm() {
    std::uint64_t at = kNoMoment;
    if (phase_ == Phase::Connecting && begun_ < clients_.size() && unsettled_ < kUnsettledMax)
        at = connects_.due_ns(begun_);
    if (phase_ == Phase::Running) {
        at = site_.is_publishing ? site_.count_until_ns : start_ns_;
        for (const OpenLoop& loop : open_loops_) at = std::min(at, loop.schedule.next_due_ns());
    }
    if (phase_ == Phase::Draining) at = std::min(quiet_until_ns_, drain_until_ns_);
    if (at != kNoMoment) alarm_->set(at);
}

// --- The end -------------------------------------------------------------------------------------

void Worker::begin_drain() {
    phase_ = Phase::Draining;
    for_each_reception([&](const std::string&, Reception& reception) {
        expected_ += reception.total(board_.sent());
    });
    const std::uint64_t now = monotonic_ns();
    drain_until_ns_ = now + kDrainNs;
    quiet_until_ns_ = now + kDrainQuietNs;
    received_before_ = site_.tally[Figure::Received];
}

void Worker::drain(std::uint64_t now_ns) {
    const std::uint64_t received = site_.tally[Figure::Received];
    if (std::exchange(received_before_, received) != received)
        quiet_until_ns_ = now_ns + kDrainQuietNs;
    const bool has_all = received >= expected_ && site_.unanswered == 0;
    if (has_all || now_ns >= std::min(quiet_until_ns_, drain_until_ns_)) judge();
}

void Worker::judge() {
    for_each_reception([&](const std::string& name, Reception& reception) {
        reception.judge(site_, name, board_.sent());
    });
    site_.tally[Figure::Unanswered] = site_.unanswered;
    if (site_.measures_answers) {  // nobody else can tell what has become of those
        site_.tally[Figure::Lost] += site_.unanswered;
        site_.tally[Figure::LostPromised] += site_.unanswered;
    }
    phase_ = Phase::Waiting;
    say(WorkerNews::Finished);
}

void Worker::leave() {
    phase_ = Phase::Leaving;
    core().timers().arm(kLeaveToken, core().now() + kLeaveMs);
    if (clients_.empty()) core().stop();
    for (LoadClient& client : clients_) client.disconnect();
}

void Worker::on_gone() {
    if (++left_ == clients_.size()) core().stop();
}

// --- All of them ---------------------------------------------------------------------------------

template <typename Visit>
void Worker::for_each_publication(Visit visit) {
    for (LoadClient& client : clients_)
        for (Publication& publication : client.publications()) visit(publication);
}

// Those who share are one.
template <typename Visit>
void Worker::for_each_reception(Visit visit) {
    for (LoadClient& client : clients_)
        if (!client.is_sharing()) visit(client.name(), client.reception());
    for (std::size_t group = 0; group < shared_.size(); ++group)
        if (shared_[group]) visit(site_.scenario.groups[group].name, *shared_[group]);
}

}  // namespace starling
