// The streams of a client beside the first.
#include <algorithm>

#include "base/hash.h"
#include "client/session.h"
#include "mqtt/append.h"

namespace starling {

std::uint16_t stream_of(std::string_view topic, std::uint16_t further) {
    if (further == 0) return 0;
    return static_cast<std::uint16_t>(1 + crc16(topic) % further);
}

ClientChannel& ClientSession::channel(std::uint16_t stream) {
    return stream == 0 ? first_ : *further_[stream - 1u];
}

// All at once, so that it is known from the beginning whether the server allows them. False when it
// does not.
bool ClientSession::open_further() {
    for (const auto& one : further_) {
        auto stream = first_.link->stream().open();
        if (!stream) return false;
        one->begin(std::move(stream));
        if (!attach(*one)) return false;
    }
    return true;
}

void ClientSession::refuse_streams() {
    for (const auto& one : further_) drop_link(*one);
    ByteVector goodbye;
    encode_disconnect(goodbye, options_.version, Reason::Success);
    leave({.ending = Ending::TooFewStreams,
           .text = "the server, or the transport, allows fewer streams beside the first"},
          std::move(goodbye));
}

bool ClientSession::has_further() const {
    return std::any_of(further_.begin(), further_.end(), [this](const auto& one) {
        return one->link && !(stays(*one) && one->link->is_flushed());
    });
}

bool ClientSession::stays(const ClientChannel& channel) const {
    const bool is_lasting = options_.version == Version::V5
                                ? options_.session_expiry_interval_s != 0
                                : !options_.clean_start;
    return is_lasting && channel.number != 0 && channel.subscriptions.has_granted();
}

std::size_t ClientSession::unfinished() const {
    std::size_t messages = first_.inflight.size();
    for (const auto& one : further_) messages += one->inflight.size();
    return messages;
}

// --- Ending --------------------------------------------------------------------------------------

// It may be but the first sign that the server ends the connection: why, the first stream tells.
void ClientSession::lose(const ClientChannel& channel, const Disconnection& why) {
    if (stage_ != Stage::Connected) return;
    ending_ = why;
    if (channel.link->stream().has_connection())
        ending_.text = "the server has ended one of the further streams";
    enter(Stage::Losing, now() + options_.close_timeout_ms);
}

// What is on its way on the further streams arrives first: who has heard the DISCONNECT listens to
// none of them any more.
void ClientSession::leave(const Disconnection& why, ByteVector goodbye) {
    ending_ = why;
    goodbye_ = std::move(goodbye);
    if (!has_further()) return say_goodbye();
    enter(Stage::Parting, now() + options_.close_timeout_ms);
    mark_dirty();
}

void ClientSession::say_goodbye() {
    send(first_, [&](ByteVector& out) { append_bytes(out, goodbye_); });
    goodbye_ = {};
    enter(Stage::Closing, now() + options_.close_timeout_ms);
}

}  // namespace starling
