// The messages of a client that the server has not answered for yet.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/fifo.h"
#include "client/client.h"

namespace starling {

// One queue in the order of publishing: first those sent on this connection and unacknowledged,
// then those that wait. A lost connection makes all of them wait again.
// Owner: the client's core.
class ClientInflight {
public:
    // Small, as entries move in the queue.
    struct Entry {
        std::unique_ptr<OutgoingMessage> message;  // null: not kept, or not needed any more
        PublishDone done;
        std::uint16_t packet_id = 0;  // 0 until it is first sent
        Qos qos = Qos::AtMostOnce;
        bool is_kept = true;       // a lost connection leaves it here
        bool is_released = false;  // PUBREC came: PUBREL stands for the message
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

    // Whether none waits, and fewer than `window` are unacknowledged.
    bool has_place(std::uint32_t window) const {
        return sent_ == entries_.size() && sent_ < window;
    }

    // A message was sent that is not kept. REQUIRES: has_place().
    void await_answer(Qos qos, std::uint16_t packet_id, PublishDone done);

    // A message sent on this connection, or null.
    Entry* find(std::uint16_t packet_id);

    // REQUIRES: find(packet_id).
    Entry take(std::uint16_t packet_id);
    void release(std::uint16_t packet_id);

    // How many identifiers from this one on are not in use.
    std::uint16_t unused_from(std::uint16_t packet_id);

    void on_connection_lost();

    // No message was ever sent, as far as the server knows.
    void on_session_lost();

private:
    std::optional<std::uint32_t> position(std::uint16_t packet_id);
    Entry remove(std::uint32_t position);
    void forget_bytes(const Entry& entry);

    Fifo<Entry> entries_;
    std::size_t bytes_ = 0;
    std::uint32_t sent_ = 0;
};

}  // namespace starling
