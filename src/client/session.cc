#include "client/session.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace starling {

ClientSession::ClientSession(ClientHost& host, ClientOptions options, ClientListener& listener)
    : host_(host),
      listener_(&listener),
      options_(std::move(options)) {}

// --- Beginning -----------------------------------------------------------------------------------

// By a timer, so that a failure is never told from inside connect().
void ClientSession::connect() {
    if (stage_ != Stage::Idle) return;
    backoff_.reset();
    enter(Stage::Waiting, now());
}

void ClientSession::attempt() {
    if (is_numeric_address(options_.host)) {
        addresses_ = {options_.host};
        return try_address();
    }
    enter(Stage::Resolving, now() + options_.connect_timeout_ms);
    const auto done = [&host = host_, handle = handle_](Resolver::Addresses addresses) {
        host.on_resolved(handle, std::move(addresses));
    };
    if (!host_.resolver.resolve(options_.host, done))
        end({.ending = Ending::Unresolved, .text = "too many names are being resolved"});
}

// Too late, it is not wanted any more; the next attempt asks again.
void ClientSession::on_resolved(Resolver::Addresses addresses) {
    if (stage_ != Stage::Resolving) return;
    if (!addresses)
        return end({.ending = Ending::Unresolved,
                    .error = addresses.error().code,
                    .text = addresses.error().text});
    addresses_ = std::move(*addresses);
    std::reverse(addresses_.begin(), addresses_.end());
    try_address();
}

// REQUIRES: an address is left.
void ClientSession::try_address() {
    const std::string address = std::move(addresses_.back());
    addresses_.pop_back();
    auto stream = host_.dial(address, options_);
    if (stream) return open(std::move(*stream));
    try_next_address(
        {.ending = Ending::Unreachable, .error = stream.error().code, .text = stream.error().text});
}

void ClientSession::try_next_address(const Disconnection& why_not_this) {
    if (addresses_.empty()) return end(why_not_this);
    drop_link();
    try_address();
}

// What is written before the stream is connected waits in the outbox.
void ClientSession::open(std::unique_ptr<Stream> stream) {
    link_ = std::make_unique<ClientLink>(std::move(stream));
    aliases_in_.clear();
    aliases_out_.clear();
    is_paused_ = is_finished_ = false;
    pinged_at_ = 0;
    enter(Stage::Handshaking, now() + options_.connect_timeout_ms);
    if (const auto attached = link_->stream().attach(host_.core.poller(), handle_.packed());
        !attached)
        return end({.ending = Ending::Unreachable,
                    .error = attached.error().code,
                    .text = attached.error().text});
    send([&](ByteVector& out) { encode_connect(out, options_, has_connected_); });
}

// --- Living --------------------------------------------------------------------------------------

void ClientSession::on_ready(const Readiness& readiness) {
    if (!link_) return;
    if (readiness.ended) link_->stream().expect_end();
    if (readiness.readable) read();
    if (readiness.writable) mark_dirty();
}

// What a disconnect() has left unread is read too, or nobody would report the end.
void ClientSession::read() {
    if (!link_) return;
    ClientLink& link = *link_;  // lives to the end of the turn, whatever a callback does
    const bool was_closing = stage_ == Stage::Closing;
    const auto more =
        was_closing
            ? link.discard(host_.scratch)
            : link.read(host_.scratch, options_.packet_bytes_max,
                        [&](const Frame& frame, Bytes packet) { return on_packet(frame, packet); });
    if (link_.get() != &link) return;
    if (!more) return fail(more.error());
    if (*more || (stage_ == Stage::Closing && !was_closing)) read_on();
}

// In the next turn, or when the server has taken what waits for it.
void ClientSession::read_on() {
    if (link_->is_congested()) is_paused_ = true;
    else host_.unread.push_back(handle_);
}

void ClientSession::write() {
    is_dirty_ = false;
    if (!link_) return;
    if (stage_ == Stage::Connected) {
        send_requests();
        send_messages();
    }
    if (!link_) return;
    if (const auto flushed = link_->flush(); !flushed) return fail(flushed.error());
    if (!link_->is_congested() && std::exchange(is_paused_, false)) read_on();
    if (link_->is_flushed() && may_send_message()) mark_dirty();
    if (wants_room_ && may_publish_now()) {
        wants_room_ = false;
        listener_->on_room();
    }
    if (!link_) return;
    if (stage_ == Stage::Closing && link_->is_flushed() && !std::exchange(is_finished_, true))
        link_->stream().finish();
}

// A message's end may be told at once, and whoever hears of it may end the connection.
void ClientSession::send_messages() {
    while (may_send_message() && !link_->is_congested()) send_next_message();
}

void ClientSession::on_timer() {
    if (now() < armed_at_) return;  // an earlier one was armed since, and has fired
    armed_at_ = kNever;
    if (now() < wake_at_) return wake(wake_at_);
    switch (stage_) {
        case Stage::Waiting: return attempt();
        case Stage::Resolving:
            return end({.ending = Ending::Unresolved, .text = "no answer in time"});
        case Stage::Handshaking:
            return fail({.ending = Ending::Lost, .error = ETIMEDOUT, .text = "no answer in time"});
        case Stage::Connected: return keep_alive();
        case Stage::Closing: return end(ending_);
        case Stage::Idle:
        case Stage::Abandoned: return;
    }
}

void ClientSession::keep_alive() {
    if (pinged_at_ != 0) {
        if (const TimeMs due = pinged_at_ + options_.ping_timeout_ms; now() < due) return wake(due);
        return end({.ending = Ending::PingUnanswered, .text = "no PINGRESP in time"});
    }
    if (now() < next_ping()) return wake(next_ping());
    pinged_at_ = now();
    send([](ByteVector& out) { encode_pingreq(out); });
    wake(pinged_at_ + options_.ping_timeout_ms);
}

// A tenth early, as the interval may not be exceeded [MQTT-3.1.2-20] and a timer may be a tick
// late.
TimeMs ClientSession::next_ping() const {
    return terms_.keep_alive_s == 0 ? kNever : sent_at_ + TimeMs{terms_.keep_alive_s} * 900;
}

// --- Ending --------------------------------------------------------------------------------------

void ClientSession::disconnect(Reason reason, const PropertyWriter& properties) {
    ending_ = {.ending = Ending::Requested, .reason = reason};
    if (stage_ == Stage::Idle || stage_ == Stage::Closing) return;
    if (stage_ != Stage::Connected) {
        drop_link();
        return enter(Stage::Closing, now());
    }
    send([&](ByteVector& out) { encode_disconnect(out, options_.version, reason, properties); });
    enter(Stage::Closing, now() + options_.close_timeout_ms);
}

// The link is broken, or the server broke a rule.
void ClientSession::fail(const Disconnection& why) {
    if (stage_ == Stage::Closing) return end(ending_);
    if (stage_ == Stage::Handshaking && why.ending == Ending::Lost && why.error != 0) {
        Disconnection unreachable = why;
        unreachable.ending = Ending::Unreachable;
        return try_next_address(unreachable);
    }
    if (why.ending == Ending::ProtocolViolation && options_.version == Version::V5) {
        ending_ = why;
        send([&](ByteVector& out) { encode_disconnect(out, options_.version, why.reason); });
        enter(Stage::Closing, now() + options_.close_timeout_ms);
        return read_on();
    }
    end(why);
}

void ClientSession::end(Disconnection why) {
    drop_link();
    inflight_.on_connection_lost();
    subscriptions_.on_connection_lost();
    if (is_worth_retrying(why)) why.retry_in_ms = backoff_.next(options_.reconnect, host_.random);
    if (why.retry_in_ms) enter(Stage::Waiting, now() + *why.retry_in_ms);
    else enter(Stage::Idle, kNever);
    listener_->on_disconnected(why);
}

void ClientSession::abandon() {
    drop_link();
    stage_ = Stage::Abandoned;
    host_.abandoned.push_back(handle_);
}

// Detached at once, so that it reports nothing more; destroyed when the turn ends.
void ClientSession::drop_link() {
    if (!link_) return;
    link_->stream().detach();
    host_.dropped.push_back(std::move(link_));
}

// --- Time ----------------------------------------------------------------------------------------

void ClientSession::enter(Stage stage, TimeMs wake_at) {
    stage_ = stage;
    wake(wake_at);
}

void ClientSession::wake(TimeMs at) {
    wake_at_ = at;
    if (at >= armed_at_) return;
    armed_at_ = at;
    host_.core.timers().arm(handle_.packed(), at);
}

void ClientSession::mark_dirty() {
    if (std::exchange(is_dirty_, true)) return;
    host_.dirty.push_back(handle_);
}

TimeMs ClientSession::now() const { return host_.core.now(); }

}  // namespace starling
