#include "client/inflight.h"

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

    entries_.push({.message = std::move(message), .done = std::move(done)});
    bytes_ = bytes;
    return true;
}

ClientInflight::Entry ClientInflight::take_next() { return remove(sent_); }

ClientInflight::Entry* ClientInflight::find(std::uint16_t packet_id) {
    const auto found = position(packet_id, sent_);
    return found ? &entries_[*found] : nullptr;
}

ClientInflight::Entry ClientInflight::take(std::uint16_t packet_id) {
    const auto found = position(packet_id, sent_);
    STARLING_ASSERT(found);
    --sent_;
    return remove(*found);
}

// The server has the message: its bytes are not needed any more.
void ClientInflight::release(std::uint16_t packet_id) {
    Entry& entry = *find(packet_id);
    forget_bytes(entry.message);
    entry.message = {.topic = {}, .payload = {}, .qos = entry.message.qos, .properties = {}};
    entry.is_released = true;
}

// One that a lost connection has left waiting keeps its id.
bool ClientInflight::uses(std::uint16_t packet_id) {
    return position(packet_id, entries_.size()).has_value();
}

void ClientInflight::on_session_lost() {
    for (std::uint32_t at = 0; at < entries_.size(); ++at) entries_[at].packet_id = 0;
}

std::optional<std::uint32_t> ClientInflight::position(std::uint16_t packet_id, std::uint32_t end) {
    for (std::uint32_t at = 0; at < end; ++at)
        if (entries_[at].packet_id == packet_id) return at;
    return {};
}

// Most often the oldest, which is cheap.
ClientInflight::Entry ClientInflight::remove(std::uint32_t position) {
    forget_bytes(entries_[position].message);
    return position == 0 ? entries_.pop() : entries_.remove(position);
}

void ClientInflight::forget_bytes(const OutgoingMessage& message) { bytes_ -= size_of(message); }

}  // namespace starling
