#include "load/crew.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "base/time.h"
#include "load/access.h"
#include "load/worker.h"

namespace starling {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

// From the order to the first message: every process has heard it by then.
constexpr std::uint64_t kLeadNs = 20'000'000;

double seconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e9; }

// What a forked process does. Returns its exit status.
int work(const LoadScenario& scenario, const Roster& roster, std::uint32_t number, Channel& channel,
         SentBoard& board) {
    const SystemClock clock;
    const auto access = LoadAccess::open(scenario, number);
    if (!access) return 1;
    Poller& poller = (*access)->poller();
    auto alarm = Alarm::open(poller, Worker::kAlarmToken);
    if (!alarm || !poller.add(channel.descriptor(), Worker::kChannelToken)) return 1;
    Core core(0, poller, clock);
    OffloadPool resolvers(1, 1);
    Worker worker({.core = core,
                   .resolvers = resolvers,
                   .dial = (*access)->dial(),
                   .scenario = scenario,
                   .roster = roster,
                   .number = number,
                   .channel = channel,
                   .board = board,
                   .alarm = std::move(*alarm)});
    worker.run();
    return 0;
}

}  // namespace

Crew::Crew(const LoadScenario& scenario, pid_t broker, int interrupt,
           std::function<void(const RunNews&)> tell)
    : scenario_(scenario),
      roster_(scenario),
      broker_(broker),
      interrupt_(interrupt),
      tell_(std::move(tell)) {}

// Their channels' ends tell them to go.
Crew::~Crew() {
    for (Member& member : members_) {
        member.channel.reset();
        ::waitpid(member.process, nullptr, 0);
    }
}

Result<RunOutcome> Crew::run() {
    STARLING_SET(board_, SentBoard::open(roster_.flows()));
    outcome_.clients = roster_.clients();
    outcome_.before_connects = usage();
    STARLING_CHECK(fork_all());
    connect();
    if (!outcome_.was_interrupted) {
        hold();
        subscribe();
        if (scenario_.duration_s != 0) publish();
        judge();
    }
    order({.kind = WorkerOrder::Kind::Leave});
    outcome_.tally = total();
    return std::move(outcome_);
}

Result<void> Crew::fork_all() {
    for (std::uint32_t number = 0; number < scenario_.processes; ++number)
        STARLING_CHECK(fork_one(number));
    return {};
}

// The child closes what belongs to the others by ending without it: it uses its own end only.
Result<void> Crew::fork_one(std::uint32_t number) {
    auto ends = Channel::open();
    if (!ends) return ends.error();
    const pid_t process = ::fork();
    if (process < 0) return Error{errno, "fork"};
    if (process == 0) {
        members_.clear();  // or others would not see their end while this lives
        ends->first.reset();
        ::_exit(work(scenario_, roster_, number, *ends->second, *board_));
    }
    members_.push_back({.process = process, .channel = std::move(ends->first), .last = {}});
    return {};
}

// --- Phases --------------------------------------------------------------------------------------

void Crew::connect() {
    while (!all_have(WorkerNews::Connected) && !outcome_.was_interrupted)
        hear(kSilenceMs, RunNews::Kind::Connecting);
    outcome_.connect_seconds = seconds(monotonic_ns() - begun_ns_);
    outcome_.after_connects = usage();
}

void Crew::hold() {
    if (scenario_.hold_s == 0) return;
    tell(RunNews::Kind::Holding);
    wait_until(monotonic_ns() + scenario_.hold_s * kSecondNs, RunNews::Kind::Holding);
    outcome_.after_hold = usage();
    outcome_.was_interrupted = false;
}

void Crew::subscribe() {
    order({.kind = WorkerOrder::Kind::Subscribe});
    wait_for(WorkerNews::Subscribed, RunNews::Kind::Connecting);
}

void Crew::publish() {
    const std::uint64_t start = monotonic_ns() + kLeadNs;
    const std::uint64_t from = start + scenario_.warmup_s * kSecondNs;
    const std::uint64_t until = from + scenario_.duration_s * kSecondNs;
    order({.kind = WorkerOrder::Kind::Run,
           .start_ns = start,
           .count_from_ns = from,
           .count_until_ns = until});
    last_told_ns_ = start;
    wait_until(from, RunNews::Kind::Running);
    outcome_.at_begin = usage();
    wait_until(until, RunNews::Kind::Running);
    outcome_.at_end = usage();
    const std::uint64_t end = std::min(until, monotonic_ns());
    outcome_.counted_seconds = end > from ? seconds(end - from) : 0;
    if (outcome_.was_interrupted) order({.kind = WorkerOrder::Kind::Stop});
    wait_for(WorkerNews::Stopped, RunNews::Kind::Draining);
}

void Crew::judge() {
    order({.kind = WorkerOrder::Kind::Judge});
    wait_for(WorkerNews::Finished, RunNews::Kind::Draining);
}

// --- Orders and news -----------------------------------------------------------------------------

void Crew::order(const WorkerOrder& order) {
    for (Member& member : members_)
        if (!member.is_gone) member.channel->send(pack(order));
}

bool Crew::all_have(WorkerNews news) const {
    return std::all_of(members_.begin(), members_.end(),
                       [&](const Member& member) { return member.is_gone || member.news == news; });
}

void Crew::wait_for(WorkerNews news, RunNews::Kind kind) {
    while (!all_have(news)) hear(kSilenceMs, kind);
}

void Crew::wait_until(std::uint64_t at_ns, RunNews::Kind kind) {
    for (std::uint64_t now; !outcome_.was_interrupted && (now = monotonic_ns()) < at_ns;)
        hear(static_cast<int>((at_ns - now + 999'999) / 1'000'000), kind);
}

// Waits for news of any member, or for the interruption.
void Crew::hear(int timeout_ms, RunNews::Kind kind) {
    std::vector<pollfd> watched;
    for (const Member& member : members_)
        watched.push_back({.fd = member.is_gone ? -1 : member.channel->descriptor(),
                           .events = POLLIN,
                           .revents = 0});
    watched.push_back(
        {.fd = outcome_.was_interrupted ? -1 : interrupt_, .events = POLLIN, .revents = 0});
    const int ready = ::poll(watched.data(), watched.size(), timeout_ms);
    if (watched.back().revents != 0) take_interrupt();
    if (ready == 0 && timeout_ms == kSilenceMs)
        for (Member& member : members_) ::kill(member.process, SIGKILL);
    for (std::size_t at = 0; at < members_.size(); ++at)
        if (watched[at].revents != 0) hear(members_[at]);
    const auto present = std::count_if(members_.begin(), members_.end(),
                                       [](const Member& member) { return !member.is_gone; });
    if (present != 0 && told_ >= static_cast<std::size_t>(present)) tell(kind);
}

void Crew::take_interrupt() {
    std::array<std::byte, 4096> bytes;
    outcome_.was_interrupted = ::read(interrupt_, bytes.data(), bytes.size()) > 0;
}

// A process that is gone leaves what it said last, and an error.
void Crew::hear(Member& member) {
    auto message = member.channel->receive();
    if (!message) {
        member.is_gone = true;
        member.last.first_error = "a process of the load tool ended early";
        ++member.last[Figure::LostConnections];
        return;
    }
    if (!*message) return;
    WorkerReport report = unpack_report(**message);
    if (report.news == WorkerNews::Progress) {
        ++told_;
        latest_ns_.merge(std::exchange(report.tally.latency_ns, Histogram()));
        if (member.news == WorkerNews::Finished) return;  // it has said all
    } else {
        member.news = report.news;
    }
    member.last = std::move(report.tally);
}

void Crew::tell(RunNews::Kind kind) {
    const std::uint64_t now = monotonic_ns();
    RunNews news{.kind = kind, .seconds = seconds(now - last_told_ns_), .total = total()};
    news.sent = news.total[Figure::Sent] - std::exchange(last_sent_, news.total[Figure::Sent]);
    news.received =
        news.total[Figure::Received] - std::exchange(last_received_, news.total[Figure::Received]);
    news.total.latency_ns = std::exchange(latest_ns_, Histogram());
    last_told_ns_ = now;
    told_ = 0;
    tell_(news);
}

Tally Crew::total() const {
    Tally total;
    for (const Member& member : members_) total.merge(member.last);
    return total;
}

std::optional<ProcessUsage> Crew::usage() const {
    return broker_ != 0 ? usage_of(broker_) : std::nullopt;
}

}  // namespace starling
