// The messages of a client that the server has not answered for yet.
#pragma once

#include <cstdint>
#include <optional>

#include "base/fifo.h"
#include "client/client.h"

namespace starling {

// One queue in the order of publishing: first those sent on this connection and unacknowledged,
// then those that wait. A lost connection makes all of them wait again.
// Owner: the client's core.
class ClientInflight {
public:
    struct Entry {
        OutgoingMessage message;
        PublishDone done;
        std::uint16_t packet_id = 0;  // 0 until it is first sent
        bool is_released = false;     // PUBREC came: PUBREL stands for the message
    };

    // False when the bounds of `options` leave no place.
    bool push(OutgoingMessage message, PublishDone done, const ClientOptions& options);

    std::size_t size() const { return entries_.size(); }

    // Whether a message waits, and fewer than `window` are unacknowledged.
    bool may_send(std::uint32_t window) const { return sent_ < entries_.size() && sent_ < window; }

    // The first that waits. REQUIRES: one does.
    Entry& next() { return entries_[sent_]; }
    Entry take_next();                // it is done with
    void await_answer() { ++sent_; }  // it was sent

    // A message sent on this connection, or null.
    Entry* find(std::uint16_t packet_id);

    // REQUIRES: find(packet_id).
    Entry take(std::uint16_t packet_id);
    void release(std::uint16_t packet_id);

    bool uses(std::uint16_t packet_id);

    void on_connection_lost() { sent_ = 0; }

    // No message was ever sent, as far as the server knows.
    void on_session_lost();

private:
    std::optional<std::uint32_t> position(std::uint16_t packet_id, std::uint32_t end);
    Entry remove(std::uint32_t position);
    void forget_bytes(const OutgoingMessage& message);

    Fifo<Entry> entries_;
    std::size_t bytes_ = 0;
    std::uint32_t sent_ = 0;
};

}  // namespace starling
