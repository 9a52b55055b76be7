// What a client has on one of its streams.
#pragma once

#include <cstdint>
#include <memory>

#include "client/inflight.h"
#include "client/link.h"
#include "client/received_ids.h"
#include "client/subscriptions.h"
#include "client/topic_aliases.h"

namespace starling {

// The first of a client's channels, number 0, carries the life of the connection, and what it
// leaves unfinished may go on under the next. The others end with it: the server forgets what they
// had. Plain data. Owner: the client's core.
struct ClientChannel {
    explicit ClientChannel(std::uint16_t its_number) : number(its_number) {}

    // Names and half of an exchange mean nothing on another stream.
    void on_connection_lost() {
        inflight.on_connection_lost();
        subscriptions.on_connection_lost();
        if (number != 0) on_session_lost();
    }
    void on_session_lost() {
        received.clear();
        inflight.on_session_lost();
        subscriptions.on_session_lost();
    }

    // On a new stream.
    void begin(std::unique_ptr<Stream> stream) {
        link = std::make_unique<ClientLink>(std::move(stream));
        aliases_in.clear();
        aliases_out.clear();
        is_paused = is_finished = false;
    }

    const std::uint16_t number;
    bool is_paused = false;    // reading waits until the outbox has room
    bool wants_room = false;   // publish_now() has refused
    bool is_finished = false;  // nothing more will be written to the link
    std::unique_ptr<ClientLink> link;
    ClientAliases aliases_in, aliases_out;
    ClientReceivedIds received;
    ClientInflight inflight;
    ClientSubscriptions subscriptions;
};

}  // namespace starling
