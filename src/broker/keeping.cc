// What the store is told, and what waits until it has kept it.
#include <algorithm>
#include <variant>

#include "base/sabotage.h"
#include "broker/broker.h"

namespace starling {

// --- Changes -------------------------------------------------------------------------------------

// Of a session that is to outlive its connection; of others nothing is kept.
void Broker::keep(const Session& session, const change::Any& change) {
    if (session.expiry_s != 0 && store_.add(session.id, change)) commits_.add();
}

// What the broker itself retains it will say again.
void Broker::keep_retained_message(const Message& message) {
    if (message.topic().starts_with("$SYS/")) return;
    if (store_.add({}, change::Retained{message})) commits_.add();
}

// Returns the commit that must have ended before what is in flight is sent.
std::uint64_t Broker::keep_before_sending(const Session& session, Handle handle,
                                          const change::Any& change) {
    const std::uint64_t seen = commits_.changes();
    keep(session, change);
    if (commits_.changes() == seen || STARLING_SABOTAGED(SendUnkept)) return 0;
    await_commit(commits_.last(), AfterCommit::Deliveries{handle});
    return commits_.last();
}

void Broker::set_expiry(Session& session, std::uint32_t expiry_s) {
    if (expiry_s == 0) keep(session, change::SessionEnded{});
    session.expiry_s = expiry_s;
    keep(session, change::SessionKept{expiry_s});
}

// --- Commits -------------------------------------------------------------------------------------

void Broker::commit() {
    if (!commits_.can_begin()) return;
    counters_.add(Count::StoreCommits);
    store_.commit(commits_.begin(core_.now()));
    store_.run(*this);
}

// The commit that holds what has changed since there were so many changes; 0, which has always
// ended, when nothing has. It may hold changes of others too.
std::uint64_t Broker::commit_since(std::uint64_t changes) const {
    const bool has_changed = commits_.changes() != changes;
    return has_changed && !STARLING_SABOTAGED(AcknowledgeUnkept) ? commits_.last() : 0;
}

// For who may ask again, on another connection, for what is still under way.
std::uint64_t Broker::commit_so_far(const Session& session) const {
    return session.expiry_s != 0 ? commits_.last() : 0;
}

void Broker::await_commit(std::uint64_t commit, AfterCommit::What what) {
    after_commits_.push({commit, core_.now(), what});
}

void Broker::on_committed(std::uint64_t commit) {
    commits_.end(commit);
    while (!after_commits_.empty() && commits_.has_ended(after_commits_.front().commit))
        go_on(after_commits_.pop());
    finish_due_subscribes();
}

void Broker::go_on(const AfterCommit& waiting) {
    struct GoOn {
        Broker& broker;

        void operator()(AfterCommit::Job one) { broker.close_part(one.job); }
        void operator()(AfterCommit::Answer one) { broker.mailbox_.send(one.to, one.answer); }
        void operator()(AfterCommit::Acknowledgements one) {
            Connection* connection = broker.connections_.find(one.connection);
            if (connection && connection->traffic) broker.pay_acks(one.connection, *connection);
        }
        void operator()(AfterCommit::Deliveries one) {
            if (Session* session = broker.sessions_.find(one.session)) broker.pump(*session);
        }
    };
    std::visit(GoOn{*this}, waiting.what);
}

// --- When it takes too long ----------------------------------------------------------------------

// Ends the connections that have waited too long for an acknowledgement because a store is late,
// this core's or another's. What they sent is not taken back: they will ask again.
void Broker::end_late_waits() {
    const auto is_late = [&](TimeMs since) {
        return since != kNever && since + limits::kStoreTimeoutS * TimeMs{1000} <= core_.now();
    };
    const bool is_a_store_late =
        std::any_of(commons_.counters.begin(), commons_.counters.end(),
                    [&](const Counters& one) { return is_late(one[Count::OldestCommit]); });
    if (!is_a_store_late) return;
    std::vector<Handle> late;  // connections
    tickets_.for_each([&](Handle, Ticket& ticket) {
        if (!is_late(ticket.since)) return;
        ticket.since = core_.now();  // who comes back for it may wait as long again
        if (const Session* session = sessions_.find(ticket.session))
            late.push_back(session->connection);
    });
    for (std::uint32_t at = 0; at < after_commits_.size(); ++at) {
        const AfterCommit& waiting = after_commits_[at];
        const auto* owed = std::get_if<AfterCommit::Acknowledgements>(&waiting.what);
        if (is_late(waiting.since) && owed) late.push_back(owed->connection);
    }
    for (std::uint32_t at = 0; at < subscribes_.size(); ++at) {
        const PendingSubscribe& pending = subscribes_[at];
        if (is_late(pending.since) && !commits_.has_ended(pending.commit))
            late.push_back(pending.connection);
    }
    for (const Handle handle : late) end_late_wait(handle);
}

void Broker::end_late_wait(Handle handle) {
    Connection* connection = connections_.find(handle);
    if (!connection || connection->state != Connection::State::Connected) return;
    counters_.add(Count::StoreTimeouts);
    disconnect(handle, *connection, Reason::ServerBusy);
}

}  // namespace starling
