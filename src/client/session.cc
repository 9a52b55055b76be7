#include "client/session.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace starling {

ClientSession::ClientSession(ClientHost& host, ClientOptions options, ClientListener& listener)
    : host_(host),
      listener_(&listener),
      options_(std::move(options)) {
    for (std::uint16_t number = 1; number <= options_.further_streams; ++number)
        further_.push_back(std::make_unique<ClientChannel>(number));
}

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
    drop_links();
    try_address();
}

// What is written before the stream is connected waits in the outbox.
void ClientSession::open(std::unique_ptr<Stream> stream) {
    first_.begin(std::move(stream));
    pinged_at_ = 0;
    enter(Stage::Handshaking, now() + options_.connect_timeout_ms);
    if (const auto attached = attach(first_); !attached)
        return end({.ending = Ending::Unreachable,
                    .error = attached.error().code,
                    .text = attached.error().text});
    send(first_, [&](ByteVector& out) { encode_connect(out, options_, has_connected_); });
}

Result<void> ClientSession::attach(ClientChannel& channel) {
    const StreamToken token{handle_, channel.number};
    return channel.link->stream().attach(host_.core.poller(), token.packed());
}

// --- Living --------------------------------------------------------------------------------------

void ClientSession::on_ready(std::uint16_t stream, const Readiness& readiness) {
    ClientChannel& one = channel(stream);
    if (!one.link) return;
    if (readiness.ended) one.link->stream().expect_end();
    if (readiness.readable) read(one);
    if (readiness.writable) mark_dirty();
}

// What a disconnect() has left unread is read too, or nobody would report the end.
void ClientSession::read(ClientChannel& channel) {
    if (!channel.link) return;
    ClientLink& link = *channel.link;  // lives to the end of the turn, whatever a callback does
    const bool was_leaving = is_leaving();
    const auto more = was_leaving ? link.discard(host_.scratch)
                                  : link.read(host_.scratch, options_.packet_bytes_max,
                                              [&](const Frame& frame, Bytes packet) {
                                                  return on_packet(channel, frame, packet);
                                              });
    if (channel.link.get() != &link) return;
    if (!more) return fail(channel, more.error());
    if (*more || (is_leaving() && !was_leaving)) read_on(channel);
}

// In the next turn, or when the server has taken what waits for it.
void ClientSession::read_on(ClientChannel& channel) {
    if (channel.link->is_congested()) channel.is_paused = true;
    else host_.unread.push_back({handle_, channel.number});
}

// The further streams take turns at being the first to use what room the connection has.
void ClientSession::write() {
    is_dirty_ = false;
    write(first_);
    for (std::size_t turn = 0; turn < further_.size(); ++turn)
        write(*further_[(served_ + turn) % further_.size()]);
    if (++served_ >= further_.size()) served_ = 0;
    tell_room();
    if (stage_ == Stage::Parting && !has_further()) say_goodbye();
}

void ClientSession::write(ClientChannel& channel) {
    if (!channel.link) return;
    if (stage_ == Stage::Connected) {
        send_requests(channel);
        send_messages(channel);
    }
    if (!channel.link) return;
    ClientLink& link = *channel.link;
    if (const auto flushed = link.flush(); !flushed) return fail(channel, flushed.error());
    if (!link.is_congested() && std::exchange(channel.is_paused, false)) read_on(channel);
    if (link.is_flushed() && may_send_message(channel)) mark_dirty();
    const Stage last = channel.number == 0 ? Stage::Closing : Stage::Parting;
    if (stage_ != last || !link.is_flushed() || stays(channel)) return;
    if (!std::exchange(channel.is_finished, true)) link.stream().finish();
}

// A message's end may be told at once, and whoever hears of it may end the connection.
void ClientSession::send_messages(ClientChannel& channel) {
    while (may_send_message(channel) && !channel.link->is_congested()) send_next_message(channel);
}

void ClientSession::tell_room() {
    bool has_room = false;
    for_each_channel([&](ClientChannel& one) {
        if (!one.wants_room || !may_publish_now(one)) return;
        one.wants_room = false;
        has_room = true;
    });
    if (has_room) listener_->on_room();
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
            return fail(first_,
                        {.ending = Ending::Lost, .error = ETIMEDOUT, .text = "no answer in time"});
        case Stage::Connected: return keep_alive();
        case Stage::Parting: return say_goodbye();
        case Stage::Losing:
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
    send(first_, [](ByteVector& out) { encode_pingreq(out); });
    wake(pinged_at_ + options_.ping_timeout_ms);
}

// A tenth early, as the interval may not be exceeded [MQTT-3.1.2-20] and a timer may be a tick
// late.
TimeMs ClientSession::next_ping() const {
    return terms_.keep_alive_s == 0 ? kNever : sent_at_ + TimeMs{terms_.keep_alive_s} * 900;
}

// --- Ending --------------------------------------------------------------------------------------

void ClientSession::disconnect(Reason reason, const PropertyWriter& properties) {
    const Disconnection requested{.ending = Ending::Requested, .reason = reason};
    if (stage_ == Stage::Connected || stage_ == Stage::Losing) {
        ByteVector goodbye;
        encode_disconnect(goodbye, options_.version, reason, properties);
        return leave(requested, std::move(goodbye));
    }
    ending_ = requested;
    if (stage_ == Stage::Idle || is_leaving()) return;
    drop_links();
    enter(Stage::Closing, now());
}

// The link is broken, or the server broke a rule.
void ClientSession::fail(ClientChannel& channel, const Disconnection& why) {
    const bool is_first = channel.number == 0;
    if (is_leaving() && is_first) return end(ending_);
    if (stage_ == Stage::Handshaking && why.ending == Ending::Lost && why.error != 0) {
        Disconnection unreachable = why;
        unreachable.ending = Ending::Unreachable;
        return try_next_address(unreachable);
    }
    if (why.ending == Ending::ProtocolViolation && options_.version == Version::V5) {
        ending_ = why;
        encode_disconnect(goodbye_, options_.version, why.reason);
        say_goodbye();
        return read_on(channel);
    }
    if (is_first || why.ending != Ending::Lost) return end(why);
    lose(channel, why);
    drop_link(channel);
    mark_dirty();
}

void ClientSession::end(Disconnection why) {
    drop_links();
    for_each_channel([](ClientChannel& one) { one.on_connection_lost(); });
    if (is_worth_retrying(why)) why.retry_in_ms = backoff_.next(options_.reconnect, host_.random);
    if (why.retry_in_ms) enter(Stage::Waiting, now() + *why.retry_in_ms);
    else enter(Stage::Idle, kNever);
    listener_->on_disconnected(why);
}

void ClientSession::abandon() {
    drop_links();
    stage_ = Stage::Abandoned;
    host_.abandoned.push_back(handle_);
}

// Detached at once, so that it reports nothing more; destroyed when the turn ends.
void ClientSession::drop_link(ClientChannel& channel) {
    if (!channel.link) return;
    channel.link->stream().detach();
    host_.dropped.push_back(std::move(channel.link));
}

// The first before those that end with it.
void ClientSession::drop_links() {
    for_each_channel([this](ClientChannel& one) { drop_link(one); });
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
