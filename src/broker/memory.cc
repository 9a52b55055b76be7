// What happens near `memory.max`.
#include <algorithm>

#include "base/heap.h"
#include "broker/broker.h"

namespace starling {

// Every core looks in each of its turns, and while there is little memory it does not sleep long.
// Who sees that it is full wakes the others: all have clients that may be the most expensive.
void Broker::look_at_memory() {
    MemoryLevel& memory = commons_.memory;
    if (!memory.is_limited()) return;
    const bool was_full = memory.is_full();
    memory.look(memory_bytes_in_use());
    if (memory.is_full() && !was_full) {
        if (faults_log_.admits(core_.now()))
            faults_log_.log(LogLevel::Warning,
                            "memory.max is reached: the most expensive clients go");
        for (CoreId core = 0; core < commons_.cores(); ++core)
            if (core != core_.id()) commons_.lanes.wake(core);
    }
    if (memory.is_full()) relieve_memory();
    if (!memory.is_tight() || is_memory_armed_) return;
    is_memory_armed_ = true;
    core_.timers().arm(token(TokenKind::Memory, {}), core_.now() + limits::kMemoryLookMs);
}

// Ends the most expensive of some clients, at most once between two looks: the memory that comes
// back is to be seen before the next has to go.
void Broker::relieve_memory() {
    if (core_.now() < relieved_at_ + limits::kMemoryLookMs) return;
    relieved_at_ = core_.now();
    if (drop_expensive_strangers()) return;
    Handle worst;
    std::size_t worst_cost = 1;  // many that are cheap fill memory too
    const std::uint32_t end = sessions_.index_end();
    for (std::uint32_t looked = std::min(limits::kSessionsWeighed, end); looked != 0; --looked) {
        weighed_ = weighed_ + 1 < end ? weighed_ + 1 : 0;
        if (!sessions_.is_alive(weighed_) || sessions_[weighed_].is_channel()) continue;
        const std::size_t its_cost = cost(sessions_[weighed_]) + excess(sessions_[weighed_]);
        if (its_cost < worst_cost) continue;
        worst = sessions_.handle(weighed_);
        worst_cost = its_cost;
    }
    if (worst) end_for_memory(worst, sessions_[worst.index]);
}

// Long CONNECTs that do not end, the oldest first. True when there was one.
bool Broker::drop_expensive_strangers() {
    std::uint32_t dropped = 0;
    while (handshaking_.size() != 0 && dropped < limits::kStrangersDropped) {
        const Handle oldest = connections_.handle(handshaking_.oldest());
        Connection& stranger = connections_[oldest.index];
        const std::size_t bytes = (stranger.traffic ? stranger.traffic->partial.capacity() : 0) +
                                  stranger.stream->excess_bytes();
        if (bytes < limits::kExpensiveBytes) break;
        counters_.add(Count::HandshakesEvicted);
        drop(oldest, stranger);
        ++dropped;
    }
    return dropped != 0;
}

// Bytes that the session's client costs beyond being there. Shared payloads count for each that
// waits for them.
std::size_t Broker::cost(const Session& session) {
    const Session& client = session.is_channel() ? sessions_[session.control] : session;
    std::size_t bytes = cost_of_channel(client);
    for (std::uint32_t at = client.next_channel; at != Session::kNone;
         at = sessions_[at].next_channel)
        bytes += cost_of_channel(sessions_[at]);
    return bytes;
}

std::size_t Broker::cost_of_channel(const Session& channel) {
    std::size_t bytes = channel.subscriptions * sizeof(Subscription);
    if (const SessionTraffic* traffic = channel.traffic.get())
        bytes += traffic->bytes + traffic->queue.size() * sizeof(Delivery) +
                 traffic->inflight.size() * sizeof(Inflight);
    const Connection* connection = connections_.find(channel.connection);
    if (!connection || !connection->traffic) return bytes;
    const ConnectionTraffic& traffic = *connection->traffic;
    bytes += traffic.outbox.size() + traffic.partial.capacity();
    for (const std::string& alias : traffic.aliases_in) bytes += alias.capacity();
    for (const std::string& alias : traffic.aliases_out) bytes += alias.capacity();
    return bytes;
}

// What its connection costs by itself. It limits nothing: who is far away and fast may have much on
// its way. But when memory is full, it counts.
std::size_t Broker::excess(const Session& session) {
    const Connection* connection = connections_.find(session.connection);
    return connection ? connection->stream->excess_bytes() : 0;
}

void Broker::end_for_memory(Handle handle, Session& session) {
    counters_.add(Count::EndedForMemory);
    set_expiry(session, 0);  // it ends with its connection
    Connection* connection = connections_.find(session.connection);
    if (!connection) return end_session(handle, session);
    const Handle left = session.connection;
    const bool is_reading = connection->unwritten() == 0;
    disconnect(left, *connection, Reason::QuotaExceeded);
    if (!is_reading) drop(left, *connection);  // what it has not read is what costs
}

}  // namespace starling
