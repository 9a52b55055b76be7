#include "client/inflight.h"

#include <algorithm>
#include <utility>

namespace starling {
namespace {

std::size_t size_of(const OutgoingMessage& message) {
    return message.topic.size() + message.payload.size() + message.properties.block().size();
}

}  // namespace

bool ClientInflight::push(OutgoingMessage message, PublishDone done, const ClientOptions& options) {
    const std::size_t bytes = bytes_ + size_of(message);
    if (entries_.size() >= options.messages_max) return false;
    if (!entries_.empty() && bytes > options.message_bytes_max) return false;

    const Qos qos = message.qos;
    entries_.push({.message = std::make_unique<OutgoingMessage>(std::move(message)),
                   .done = std::move(done),
                   .qos = qos});
    bytes_ = bytes;
    return true;
}

void ClientInflight::await_answer(Qos qos, std::uint16_t packet_id, PublishDone done) {
    entries_.push({.message = nullptr,
                   .done = std::move(done),
                   .packet_id = packet_id,
                   .qos = qos,
                   .is_kept = false});
    ++sent_;
}

ClientInflight::Entry ClientInflight::take_next() { return remove(sent_); }

ClientInflight::Entry* ClientInflight::find(std::uint16_t packet_id) {
    const auto found = position(packet_id);
    return found ? &entries_[*found] : nullptr;
}

ClientInflight::Entry ClientInflight::take(std::uint16_t packet_id) {
    const auto found = position(packet_id);
    STARLING_ASSERT(found);
    --sent_;
    return remove(*found);
}

// The server has the message: its bytes are not needed any more.
void ClientInflight::release(std::uint16_t packet_id) {
    Entry& entry = *find(packet_id);
    forget_bytes(entry);
    entry.message.reset();
    entry.is_released = true;
}

// One that a lost connection has left waiting keeps its id.
std::uint16_t ClientInflight::unused_from(std::uint16_t packet_id) {
    std::uint16_t nearest = 0xFFFF;
    for (std::uint32_t at = 0; at < entries_.size(); ++at)
        if (const std::uint16_t used = entries_[at].packet_id; used != 0)
            nearest = std::min(nearest, static_cast<std::uint16_t>(used - packet_id));
    return nearest;
}

void ClientInflight::on_connection_lost() {
    sent_ = 0;
    Fifo<Entry> kept;
    while (!entries_.empty())
        if (Entry entry = entries_.pop(); entry.is_kept) kept.push(std::move(entry));
    entries_ = std::move(kept);
}

void ClientInflight::on_session_lost() {
    for (std::uint32_t at = 0; at < entries_.size(); ++at) entries_[at].packet_id = 0;
}

// Identifiers are given out in order, so it stands as far from the first as they are apart; where
// some were finished before it, or left out, it must be looked for.
std::optional<std::uint32_t> ClientInflight::position(std::uint16_t packet_id) {
    if (sent_ == 0) return {};
    const auto likely = static_cast<std::uint16_t>(packet_id - entries_[0].packet_id);
    if (likely < sent_ && entries_[likely].packet_id == packet_id) return likely;
    for (std::uint32_t at = 0; at < sent_; ++at)
        if (entries_[at].packet_id == packet_id) return at;
    return {};
}

// Most often the oldest, which is cheap.
ClientInflight::Entry ClientInflight::remove(std::uint32_t position) {
    forget_bytes(entries_[position]);
    return position == 0 ? entries_.pop() : entries_.remove(position);
}

void ClientInflight::forget_bytes(const Entry& entry) {
    if (entry.message) bytes_ -= size_of(*entry.message);
}

}  // namespace starling
