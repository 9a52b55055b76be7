#include "load/load_client.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/time.h"
#include "transport/fault.h"

namespace starling {
namespace {

constexpr std::uint16_t kOpenLoopWindow = 1'000;

// The window of an open loop is wide: the schedule decides.
ClientOptions options_of(const LoadSite& site, ClientPlace place) {
    const ClientGroup& group = site.scenario.groups[place.group];
    std::uint32_t window = 0;
    for (const PublishPlan& plan : group.publishes)
        window += plan.window != 0 ? plan.window : kOpenLoopWindow;
    ClientOptions options;
    options.host = site.scenario.host;
    options.port = site.scenario.port;
    options.version = site.scenario.version;
    options.client_id = site.roster.name(place);
    options.keep_alive_s = group.keep_alive_s;
    options.inflight_max = static_cast<std::uint16_t>(std::min<std::uint32_t>(window, 65'535));
    options.packet_bytes_max = kPacketBytesMax;
    options.reconnect.is_enabled = false;
    return options;
}

std::string sentence(const Disconnection& why) {
    if (why.error != 0) return fmt::format("{}: {}", why.text, error_text(why.error));
    if (why.reason != Reason::Success) return reason_name(why.reason);
    return why.text.empty() ? "the broker closed the connection" : std::string(why.text);
}

}  // namespace

LoadClient::LoadClient(LoadSite& site, ClientLoop& loop, LoadClientListener& listener,
                       ClientPlace place, Reception* shared)
    : site_(site),
      listener_(listener),
      place_(place),
      shared_(shared),
      client_(loop, options_of(site, place), *this) {
    const auto& plans = group().publishes;
    publications_.reserve(plans.size());
    for (std::size_t plan = 0; plan < plans.size(); ++plan)
        publications_.emplace_back(site, client_, site.roster.flow(place, plan));
    for (const SubscribePlan& plan : group().subscribes) {
        if (site.scenario.counts_any_flow) own_.expect_any();
        else reception().expect(site, fill_in(plan.filter, place.index), plan.qos);
    }
}

void LoadClient::connect() {
    is_settling_ = true;
    client_.connect();
}

void LoadClient::disconnect() {
    is_leaving_ = true;
    if (client_.is_connected()) client_.disconnect();
    else listener_.on_gone();
}

// --- Coming --------------------------------------------------------------------------------------

void LoadClient::on_connected(const ConnectAnswer&) {
    ++site_.tally[Figure::Connected];
    subscribe(false);
}

void LoadClient::subscribe_late() {
    is_settling_ = true;
    if (client_.is_connected()) return subscribe(true);
    is_settling_ = false;
    listener_.on_settled();
}

// Client number i of n holds the background filters i, i + n, i + 2n and so on.
void LoadClient::subscribe(bool late) {
    SubscribeRequest request;
    for (const SubscribePlan& plan : group().subscribes) {
        if (plan.is_late != late) continue;
        const std::string filter = fill_in(plan.filter, place_.index);
        request.filters.push_back({.filter = plan.share.empty()
                                                 ? filter
                                                 : fmt::format("$share/{}/{}", plan.share, filter),
                                   .qos = plan.qos});
    }
    if (!late)
        for (std::uint32_t n = place_.index; n < group().background_filters; n += group().count)
            request.filters.push_back({.filter = fmt::format("background/{}/+/none", n)});
    if (request.filters.empty()) return on_subscribed({});
    const bool is_taken = client_.subscribe(
        std::move(request), [this](std::span<const Reason> reasons) { on_subscribed(reasons); });
    STARLING_ASSERT(is_taken);
}

void LoadClient::on_subscribed(std::span<const Reason> reasons) {
    for (const Reason reason : reasons)
        if (is_error(reason)) site_.note_error(Figure::RefusedSubscriptions, reason_name(reason));
    if (std::exchange(is_settling_, false)) listener_.on_settled();
}

// --- Receiving -----------------------------------------------------------------------------------

void LoadClient::on_message(const IncomingMessage& message) {
    const std::uint64_t now = monotonic_ns();
    const auto stamp = read_stamp(message.payload);
    SequenceLedger* ledger = stamp ? reception().find(site_, *stamp) : nullptr;
    if (!ledger) {
        ++site_.tally[Figure::Foreign];
        if (!site_.scenario.counts_any_flow) return;
        ++site_.tally[Figure::Received];
        if (site_.is_counting(now)) ++site_.tally[Figure::ReceivedCounted];
        return;
    }
    const auto arrival = ledger->take(stamp->sequence);
    if (!arrival.is_new) return count_duplicate(message.qos);

    ++site_.tally[Figure::Received];
    if (site_.is_counting(now)) ++site_.tally[Figure::ReceivedCounted];
    if (!is_in_order(arrival, *stamp)) ++site_.tally[Figure::OutOfOrder];
    const std::uint64_t age = age_ns(stamp->due_ns, now);
    site_.record_latency(now - age, age);
    count_arrival(arrival, *stamp);
}

// Members of a group have an order each; the group has none.
bool LoadClient::is_in_order(const SequenceLedger::Arrival& arrival, const Stamp& stamp) {
    if (!shared_) return arrival.is_in_order;
    if (next_.size() <= stamp.flow) next_.resize(stamp.flow + 1);
    std::uint32_t& next = next_[stamp.flow];
    if (stamp.sequence < next) return false;
    next = stamp.sequence + 1;
    return true;
}

// At QoS 1 nobody has promised that it comes once.
void LoadClient::count_duplicate(Qos qos) {
    ++site_.tally[Figure::Duplicated];
    if (qos != Qos::AtLeastOnce) ++site_.tally[Figure::DuplicatedPromised];
}

// What was skipped will not come any more, as the order of a flow is kept; where it comes all the
// same it has been counted. In a group it comes, by another member.
void LoadClient::count_arrival(const SequenceLedger::Arrival& arrival, const Stamp& stamp) {
    if (site_.awaiting_arrivals.empty()) return;
    Publication* publication = site_.awaiting_arrivals[stamp.flow];
    if (!publication) return;
    if (shared_) publication->on_arrived(1);
    else if (arrival.is_in_order) publication->on_arrived(1u + arrival.skipped);
}

void LoadClient::on_room() {
    for (Publication& publication : publications_) publication.mark_runnable();
}

// --- Going ---------------------------------------------------------------------------------------

void LoadClient::on_disconnected(const Disconnection& why) {
    if (!is_leaving_) {
        const bool was_tried = why.ending == Ending::Unreachable || why.ending == Ending::Refused ||
                               why.ending == Ending::Unresolved;
        site_.note_error(was_tried ? Figure::FailedConnects : Figure::LostConnections,
                         sentence(why));
    }
    if (std::exchange(is_settling_, false)) listener_.on_settled();
    if (is_leaving_) listener_.on_gone();
}

}  // namespace starling
