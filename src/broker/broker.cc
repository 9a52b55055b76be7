#include "broker/broker.h"

#include <algorithm>
#include <functional>

#include "base/heap.h"

namespace starling {
namespace {

constexpr std::size_t kPiecesPerWrite = 64;
constexpr std::size_t kAcceptsPerTurn = 256;
constexpr TimeMs kAcceptPauseMs = 100;

// Looking at them all takes about a millisecond.
constexpr std::size_t kReplayTopicsPerTurn = 10'000;

// Timers are never cancelled: a far one is set in steps, so that what clients leave behind when
// they come and go is soon gone too.
constexpr TimeMs kTimerMs = 600'000;

// How fast expired retained messages go: a million topics are seen within 100 s.
constexpr TimeMs kSweepMs = 1'000;
constexpr std::size_t kSweepTopics = 10'000;

}  // namespace

Broker::Broker(Core& core, Commons& commons, Authorizer& authorizer, Store& store)
    : core_(core),
      commons_(commons),
      authorizer_(authorizer),
      store_(store),
      options_(commons.options),
      counters_(commons.counters[core.id()]),
      random_(mix(commons.key.first ^ commons.key.second) + core.id()),
      mailbox_(commons.lanes, core.id(), commons.options.mail_credit),
      announcer_(commons.fingerprints, commons.cores() > 1),
      interest_(commons.key, commons.fingerprints),
      subscriptions_(commons.key, announcer_),
      retained_(commons.retained_messages, commons.retained_bytes),
      handshaking_(connections_),
      absent_(sessions_),
      scratch_(std::make_unique<std::array<std::byte, limits::kReadBytes>>()) {
    commons_.lanes.set_waker(core.id(), core.waker());
    report_gauges();
    core_.timers().arm(token(TokenKind::Sweep, {}), core_.now() + kSweepMs);
    const bool publishes_sys = core_.id() == 0 && options_.sys_interval_s != 0;
    if (publishes_sys) core_.timers().arm(token(TokenKind::Sys, {}), core_.now());
}

Broker::~Broker() = default;

// A handle with its kind in three spare bits: slabs stay below 2^29 objects.
std::uint64_t Broker::token(TokenKind kind, Handle handle) {
    STARLING_ASSERT(handle.index < 1u << 29);
    handle.index |= static_cast<std::uint32_t>(kind) << 29;
    return handle.packed();
}

Result<void> Broker::listen(std::unique_ptr<StreamSource> source) {
    const auto index = static_cast<std::uint32_t>(entrances_.size());
    STARLING_CHECK(source->attach(core_.poller(), token(TokenKind::Source, {index, 0})));
    entrances_.push_back({std::move(source)});
    return {};
}

// --- Reading ------------------------------------------------------------------------------------

void Broker::read(std::span<const Readiness> ready) {
    reports_ = ready.size();
    replay_budget_ = kReplayTopicsPerTurn;
    packet_budget_ = limits::kPacketsPerTurnInAll;
    read_budget_ = limits::kReadBytesPerTurnInAll;
    if (commons_.stop_begun.is_up() && stopping_ == Stopping::No) begin_stop();
    run_fan_outs();
    resume_starved();
    resume_hungry();
    read_waiting();
    for (const Readiness& one : ready) on_ready(one);
    accept_waiting();
    run_replays();
}

// Those that were told of in earlier turns, before those of this one; whom the budget leaves out
// stay in front, so that everybody has a turn.
void Broker::read_waiting() {
    std::vector<Handle> again;
    again.swap(again_);
    std::size_t at = 0;
    for (; at < again.size() && may_read_more(); ++at) {
        Connection* connection = connections_.find(again[at]);
        if (!connection || !connection->is_waiting) continue;
        connection->is_waiting = false;
        read_connection(again[at]);
    }
    again_.insert(again_.begin(), again.begin() + static_cast<std::ptrdiff_t>(at), again.end());
}

void Broker::on_ready(const Readiness& ready) {
    Handle handle = Handle::unpack(ready.token);
    const auto kind = static_cast<TokenKind>(handle.index >> 29);
    handle.index &= (1u << 29) - 1;
    if (kind == TokenKind::Source) {
        if (stopping_ == Stopping::No) entrances_[handle.index].is_waiting = true;
        return;
    }

    Connection* connection = connections_.find(handle);
    if (!connection || connection->state == Connection::State::Gone) return;
    if (ready.ended) connection->stream->expect_end();
    if (ready.opened && connection->state == Connection::State::Connected) open_channels(handle);
    if (ready.writable) {
        connection->is_writable = true;
        mark_dirty(handle, *connection);
    }
    if (connection->pause == Connection::Pause::Transport && connection->stream->may_move())
        resume(handle, *connection);
    if (ready.readable || ready.ended) read_connection(handle);
}

void Broker::accept_waiting() {
    for (Entrance& entrance : entrances_)
        if (entrance.is_waiting) accept(entrance);
}

bool Broker::has_arrivals() const {
    return std::any_of(entrances_.begin(), entrances_.end(), std::mem_fn(&Entrance::is_waiting));
}

// Who stands behind as many as a turn takes is taken by the next.
void Broker::accept(Entrance& entrance) {
    for (std::size_t taken = 0; taken < kAcceptsPerTurn; ++taken) {
        std::unique_ptr<Stream> stream;
        switch (entrance.source->take(stream)) {
            case StreamSource::Taken::Stream: adopt(std::move(stream)); break;
            case StreamSource::Taken::None: entrance.is_waiting = false; return;
            case StreamSource::Taken::Exhausted:
                entrance.is_waiting = false;
                counters_.add(Count::AcceptPauses);
                if (faults_log_.admits(core_.now()))
                    faults_log_.log(LogLevel::Warning,
                                    "accepting pauses: no descriptor or memory is left");
                return accept_later(core_.now() + kAcceptPauseMs);
        }
    }
}

// One timer serves every source.
void Broker::accept_later(TimeMs due) {
    if (is_accept_armed_) return;
    is_accept_armed_ = true;
    core_.timers().arm(token(TokenKind::Accept, {}), due);
}

void Broker::adopt(std::unique_ptr<Stream> stream, ByteVector unread) {
    const std::uint32_t handshakes_max =
        (options_.handshakes_max + commons_.cores() - 1) / commons_.cores();
    if (handshaking_.size() >= handshakes_max) evict_oldest_stranger();
    const Handle handle = connections_.emplace(std::move(stream));
    Connection& connection = connections_[handle.index];
    connection.last_packet_at = core_.now();
    handshaking_.add(handle.index);
    if (!connection.stream->attach(core_.poller(), token(TokenKind::Connection, handle)))
        return drop(handle, connection);
    arm(handle, connection, core_.now() + options_.connect_timeout_s * TimeMs{1000});
    if (unread.empty()) return;
    connection.busy().partial = std::move(unread);
    read_again(handle, connection);
}

// In a crowd its CONNECT may have come and not been read yet.
void Broker::evict_oldest_stranger() {
    const Handle oldest = connections_.handle(handshaking_.oldest());
    packet_budget_ = std::max(packet_budget_, 1u);  // for this one
    read_budget_ = std::max(read_budget_, std::size_t{1});
    read_connection(oldest);
    Connection& connection = connections_[oldest.index];
    if (connection.state != Connection::State::AwaitsConnect) return;
    counters_.add(Count::HandshakesEvicted);
    drop(oldest, connection);
}

void Broker::read_connection(Handle handle) {
    Connection& connection = connections_[handle.index];
    if (connection.state == Connection::State::Gone) return;
    if (connection.state == Connection::State::Closing) return discard(handle, connection);
    if (connection.pause != Connection::Pause::None || stopping_ != Stopping::No) return;
    if (!may_read_more()) return read_again(handle, connection);
    // Who does not read its answers is not asked for more; flush() reads on.
    if (!has_outbox_room(connection)) return;

    // Packets that the budget left over come first.
    if (connection.traffic && !connection.traffic->partial.empty()) {
        feed(handle, connection, {});
        if (connection.is_waiting || connection.pause != Connection::Pause::None ||
            connection.state > Connection::State::Connected)
            return;
    }
    const auto got = connection.stream->read(*scratch_);
    if (!got) return on_end(handle, connection, got.error());
    counters_.add(Count::BytesReceived, got->bytes);
    read_budget_ -= std::min(read_budget_, got->bytes);
    if (got->more) read_again(handle, connection);
    if (got->bytes != 0) feed(handle, connection, Bytes(*scratch_).first(got->bytes));
}

// Nobody listens to a connection that is closing: its bytes are read only to see its end.
void Broker::discard(Handle handle, Connection& connection) {
    const auto got = connection.stream->read(*scratch_);
    if (!got) return on_end(handle, connection, got.error());
    if (got->more) read_again(handle, connection);
}

// A client that ends its first stream or its only one has gone. One that ends another may still
// read what it is owed there: with the last acknowledgement this is asked again.
void Broker::on_end(Handle handle, Connection& connection, const Error& error) {
    if (is_left_to_control(connection)) return;
    if (!connection.is_channel || error.code != 0 || connection.has_finished)
        return drop(handle, connection, &error);
    if (connection.state != Connection::State::Connected) return;
    if (!connection.traffic || connection.traffic->acks.empty()) finish_channel(handle, connection);
}

void Broker::feed(Handle handle, Connection& connection, Bytes fresh) {
    const bool was_partial = connection.traffic && !connection.traffic->partial.empty();
    if (!was_partial) {
        const std::size_t used = feed_packets(handle, connection, fresh);
        if (used < fresh.size() && connection.state <= Connection::State::Connected)
            connection.busy().partial.assign(fresh.begin() + static_cast<std::ptrdiff_t>(used),
                                             fresh.end());
        return;
    }
    ByteVector& partial = connection.traffic->partial;
    partial.insert(partial.end(), fresh.begin(), fresh.end());
    const std::size_t used = feed_packets(handle, connection, partial);
    if (used == partial.size()) partial = ByteVector();
    else partial.erase(partial.begin(), partial.begin() + static_cast<std::ptrdiff_t>(used));
    connection.rest_if_idle();
}

// Handles whole packets from the front of `bytes`, as many as the budget allows; returns their
// bytes.
std::size_t Broker::feed_packets(Handle handle, Connection& connection, Bytes bytes) {
    Bytes rest = bytes;
    for (std::uint32_t packets = 0; !rest.empty(); ++packets) {
        if (connection.state > Connection::State::Connected) break;
        if (connection.pause != Connection::Pause::None) break;
        if (packets == limits::kPacketsPerTurn || packet_budget_ == 0 ||
            !has_outbox_room(connection)) {
            read_again(handle, connection);
            break;
        }
        const bool is_welcome = connection.state == Connection::State::Connected;
        const std::uint32_t bytes_max =
            is_welcome ? options_.packet_bytes_max
                       : std::min(options_.packet_bytes_max, limits::kConnectBytes);
        const auto frame = next_frame(rest, bytes_max);
        if (!frame) {
            fail(handle, connection, frame.error());
            break;
        }
        if (frame->size == 0) {
            // A stranger's bytes are kept only while they can become a CONNECT [MQTT-3.1.0-1].
            const bool is_borne =
                is_welcome || (frame->type == PacketType::Connect && !commons_.memory.is_full());
            if (!is_borne) drop(handle, connection);
            break;
        }
        if (const auto why = must_wait(connection, frame->type); why != Connection::Pause::None) {
            pause(handle, connection, why);
            break;
        }
        on_packet(handle, connection, *frame, rest);
        const bool comes_again = connection.pause == Connection::Pause::Authorizer ||
                                 connection.pause == Connection::Pause::Transport ||
                                 !connection.stream;  // at its home
        if (comes_again) break;
        counters_.add(Count::PacketsReceived);
        rest = rest.subspan(frame->size);
        --packet_budget_;
    }
    return bytes.size() - rest.size();
}

// Whether a packet of this type may not be handled now.
Connection::Pause Broker::must_wait(const Connection& connection, PacketType type) const {
    using Pause = Connection::Pause;
    const bool owes_too_many =
        connection.traffic && connection.traffic->acks.size() >= options_.inflight_in;
    switch (type) {
        case PacketType::Pubrel: return owes_too_many ? Pause::Acks : Pause::None;
        case PacketType::Publish:
            if (owes_too_many) return Pause::Acks;
            if (commons_.memory.is_full()) return Pause::Memory;
            return has_credit() ? Pause::None : Pause::Credit;
        case PacketType::Connect:
        case PacketType::Subscribe:
        case PacketType::Unsubscribe: return has_credit() ? Pause::None : Pause::Credit;
        default: return Pause::None;
    }
}

// Its packets wait, and so does its keep-alive.
void Broker::pause(Handle handle, Connection& connection, Connection::Pause why) {
    connection.pause = why;
    connection.stream->pause_reading();
    if (why == Connection::Pause::Credit) {
        counters_.add(Count::CreditPauses);
        starved_.push(handle);
    } else if (why == Connection::Pause::Memory) {
        counters_.add(Count::MemoryPauses);
        hungry_.push(handle);
    }
}

void Broker::resume(Handle handle, Connection& connection) {
    connection.pause = Connection::Pause::None;
    connection.last_packet_at = core_.now();
    if (connection.is_channel && connection.session) hear_channel(connection);
    connection.stream->resume_reading();
    read_again(handle, connection);
}

// Those that wait for memory.
void Broker::resume_hungry() {
    if (hungry_.empty() || commons_.memory.is_full()) return;
    Fifo<Handle> hungry = std::move(hungry_);
    while (!hungry.empty()) {
        const Handle handle = hungry.pop();
        Connection* connection = connections_.find(handle);
        if (connection && connection->pause == Connection::Pause::Memory)
            resume(handle, *connection);
    }
}

// Those that wait for credit, the longest first; who needs more of it goes to the end.
void Broker::resume_starved() {
    while (!starved_.empty() && has_credit()) {
        const Handle handle = starved_.pop();
        Connection* connection = connections_.find(handle);
        if (!connection || connection->pause != Connection::Pause::Credit) continue;
        resume(handle, *connection);
        if (connection->state > Connection::State::Connected) continue;
        connection->is_waiting = false;  // now rather than later
        read_connection(handle);
    }
}

// `unread` begins with the packet.
void Broker::on_packet(Handle handle, Connection& connection, const Frame& frame, Bytes unread) {
    connection.last_packet_at = core_.now();
    if (connection.is_channel) return on_channel_packet(handle, connection, frame);
    if (connection.state == Connection::State::Connected)
        return on_session_packet(handle, connection, frame);
    if (frame.type == PacketType::Connect) return on_connect(handle, connection, frame, unread);
    counters_.add(Count::ProtocolErrors);  // [MQTT-3.1.0-1]: no answer
    drop(handle, connection);
}

void Broker::on_session_packet(Handle handle, Connection& connection, const Frame& frame) {
    switch (frame.type) {
        case PacketType::Publish: return on_publish(handle, connection, frame);
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp: return on_acknowledgement(handle, connection, frame);
        case PacketType::Subscribe: return on_subscribe(handle, connection, frame);
        case PacketType::Unsubscribe: return on_unsubscribe(handle, connection, frame);
        case PacketType::Pingreq: encode_pingresp(frame_); return send_frame(handle, connection);
        case PacketType::Disconnect: return on_disconnect(handle, connection, frame);
        case PacketType::Connect:
            return fail(handle, connection, protocol_error("[MQTT-3.1.0-2] a second CONNECT"));
        case PacketType::Auth:
            if (connection.version == Version::V5) {
                if (const auto auth = decode_auth(frame); !auth)
                    return fail(handle, connection, auth.error());
            }
            return fail(handle, connection,
                        protocol_error("[MQTT-4.12.0-6] AUTH without a method in CONNECT"));
        default: return fail(handle, connection, protocol_error("a packet that only servers send"));
    }
}

// --- Writing ------------------------------------------------------------------------------------

// What traffic needs, from a connection that rests if there is one.
ConnectionTraffic& Broker::busy(Connection& connection) {
    if (!connection.traffic && !spare_traffic_.empty()) {
        connection.traffic = std::move(spare_traffic_.back());
        spare_traffic_.pop_back();
    }
    return connection.busy();
}

void Broker::rest_if_idle(Connection& connection) {
    if (!connection.traffic || !connection.traffic->is_idle()) return;
    if (spare_traffic_.size() == limits::kSpareTraffic) return connection.traffic.reset();
    spare_traffic_.push_back(std::move(connection.traffic));
}

void Broker::mark_dirty(Handle handle, Connection& connection) {
    if (connection.is_dirty) return;
    connection.is_dirty = true;
    dirty_.push_back(handle);
}

void Broker::read_again(Handle handle, Connection& connection) {
    if (connection.is_waiting) return;
    connection.is_waiting = true;
    again_.push_back(handle);
}

void Broker::send_frame(Handle handle, Connection& connection) {
    busy(connection).outbox.append(frame_);
    frame_.clear();
    mark_dirty(handle, connection);
}

void Broker::write() {
    translated_of_ = {};
    std::vector<Handle> dirty;
    dirty.swap(dirty_);
    for (const Handle handle : dirty) {
        Connection* connection = connections_.find(handle);
        if (!connection) continue;
        connection->is_dirty = false;
        if (connection->state != Connection::State::Gone) flush(handle, *connection);
    }
    if (dirty_.empty()) {  // keep the memory
        dirty.clear();
        dirty_.swap(dirty);
    }
}

void Broker::flush(Handle handle, Connection& connection) {
    const bool had_room = has_outbox_room(connection);
    if (connection.traffic) {
        Outbox& outbox = connection.traffic->outbox;
        outbox.release(connection.stream->unreleased());
        std::array<iovec, kPiecesPerWrite> pieces;
        while (connection.is_writable && outbox.untaken() != 0) {
            const std::size_t count = outbox.gather(pieces);
            std::size_t given = 0;
            for (std::size_t i = 0; i < count; ++i) given += pieces[i].iov_len;
            const auto taken = connection.stream->write(std::span(pieces).first(count));
            if (!taken && is_left_to_control(connection)) return;
            if (!taken) return drop(handle, connection, &taken.error());
            counters_.add(Count::BytesSent, *taken);
            outbox.take(*taken);
            outbox.release(connection.stream->unreleased());
            if (*taken < given) connection.is_writable = false;
        }
        rest_if_idle(connection);
    }
    if (connection.state == Connection::State::Closing) {
        if (connection.unwritten() == 0 && !connection.has_finished) {
            connection.has_finished = true;
            connection.last_packet_at = core_.now();  // from which the linger counts anew
            arm(handle, connection, core_.now() + limits::kLingerMs);
            connection.stream->finish();
            if (connection.is_channel) read_again(handle, connection);  // it may have ended before
        }
        return;
    }
    if (connection.state != Connection::State::Connected) return;
    if (!had_room && has_outbox_room(connection)) {
        connection.last_packet_at = core_.now();  // nobody listened to it meanwhile
        read_again(handle, connection);
    }
    if (Session* session = sessions_.find(connection.session)) pump(*session);
}

// --- Timers and the end of a turn ----------------------------------------------------------------

void Broker::arm(Handle handle, Connection& connection, TimeMs due) {
    due = std::min(due, core_.now() + kTimerMs);
    if (due >= connection.timer_at) return;
    connection.timer_at = due;
    core_.timers().arm(token(TokenKind::Connection, handle), due);
}

void Broker::arm(Handle handle, Session& session, TimeMs due) {
    due = std::min(due, core_.now() + kTimerMs);
    if (due >= session.timer_at) return;
    session.timer_at = due;
    core_.timers().arm(token(TokenKind::Session, handle), due);
}

void Broker::timer(std::uint64_t packed) {
    Handle handle = Handle::unpack(packed);
    const auto kind = static_cast<TokenKind>(handle.index >> 29);
    handle.index &= (1u << 29) - 1;
    switch (kind) {
        case TokenKind::Connection: return on_connection_timer(handle);
        case TokenKind::Session: return on_session_timer(handle);
        case TokenKind::Sys: return publish_sys();
        case TokenKind::Sweep:
            core_.timers().arm(token(TokenKind::Sweep, {}), core_.now() + kSweepMs);
            trim_own_heap();
            end_late_waits();
            return retained_.sweep(kSweepTopics, core_.now());
        case TokenKind::Accept:
            is_accept_armed_ = false;
            for (Entrance& entrance : entrances_) entrance.is_waiting = true;
            return;
        case TokenKind::Memory: is_memory_armed_ = false; return;  // post() looks
        case TokenKind::Source: return;
    }
}

void Broker::reap() {
    for (const Handle handle : gone_) {
        forget_consultation(connections_[handle.index]);
        connections_.erase(handle);
    }
    gone_.clear();
    count_cuts();
}

// Which budgets this turn has spent. One of the reports may have been the wake-up.
void Broker::count_cuts() {
    if (!may_read_more()) counters_.add(Count::TurnsCutReads);
    if (reports_ + 1 >= Poller::kReportsPerWait) counters_.add(Count::TurnsCutReports);
    if (has_arrivals()) counters_.add(Count::TurnsCutAccepts);
    if (core_.timers_fired() == Core::kTimersPerTurn) counters_.add(Count::TurnsCutTimers);
    if (replay_budget_ < 2) counters_.add(Count::TurnsCutReplays);
    if (!fan_outs_.empty() && may_fan_out()) counters_.add(Count::TurnsCutFanOuts);
}

bool Broker::has_work() const {
    return !again_.empty() || !dirty_.empty() || has_arrivals() || !replaying_.empty() ||
           (!fan_outs_.empty() && may_fan_out()) || !pulls_.empty() || !answers_.empty() ||
           announcer_.can_begin() || member_changes_.can_begin() || commits_.can_begin() ||
           !mailbox_.is_posted() || (wants_credit() && has_credit()) ||
           (!hungry_.empty() && !commons_.memory.is_full()) || stopping_ == Stopping::Settling;
}

bool Broker::has_mail() const {
    return mailbox_.has_mail() || (wants_credit() && mailbox_.has_more_credit()) ||
           (commons_.stop_begun.is_up() && stopping_ == Stopping::No) ||
           authorizer_.has_answers() || store_.has_answers();
}

// --- The broker's own topics ---------------------------------------------------------------------

void Broker::publish_sys() {
    const TimeMs now = core_.now();
    core_.timers().arm(token(TokenKind::Sys, {}), now + options_.sys_interval_s * TimeMs{1000});
    Counters total;
    for (const Counters& one : commons_.counters) total.add_all(one);
    sys_.sample(total, now);
    if (!outgoing_.empty()) return;  // the last ones have not left yet
    const SysState state{commons_.connections.used(), commons_.connections.most(),
                         commons_.retained_messages.used()};
    const auto publish = [&](std::string_view topic, std::string_view text) {
        MessageParts parts;
        parts.topic = hashed(commons_.key, topic);
        parts.payload = as_bytes(text);
        parts.retain = true;
        outgoing_.push(Message::make(parts));
    };
    sys_.for_each(total, state, now, publish);
    if (!commons_.more_figures) return;
    commons_.more_figures->for_each_figure([&](std::string_view name, std::uint64_t value) {
        publish("$SYS/broker/" + std::string(name), std::to_string(value));
    });
}

}  // namespace starling
