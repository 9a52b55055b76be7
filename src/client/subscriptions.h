// What a client has asked the server to send it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "client/client.h"

namespace starling {

// The requests of a client in their order. A granted SUBSCRIBE is kept, to be sent again when the
// server has lost the session; an UNSUBSCRIBE until it is answered.
// Owner: the client's core.
class ClientSubscriptions {
public:
    struct Request {
        PacketType type = PacketType::Subscribe;  // or Unsubscribe, which needs the filters only
        SubscribeRequest content;
        RequestDone done;
        std::uint16_t packet_id = 0;  // 0 while it waits and once it is granted
        bool is_granted = false;
    };

    // False when there are `requests_max` already.
    bool push(Request request, std::uint32_t requests_max);

    // The first that is to be sent, or null. Good until the next call.
    Request* next();

    // `request` was sent. REQUIRES: next() gave it.
    void await_answer(Request& request, std::uint16_t packet_id);

    // Takes SUBACK or UNSUBACK; answers whom to tell. None when nothing was asked.
    std::optional<RequestDone> take_answer(PacketType type, const Suback& answer);

    // Whether the server has granted any.
    bool has_granted() const;

    // How many identifiers from this one on are not in use.
    std::uint16_t unused_from(std::uint16_t packet_id) const;

    void on_connection_lost();
    void on_session_lost();

private:
    using Iterator = std::vector<Request>::iterator;

    void grant(Iterator request, std::span<const Reason> reasons);
    void forget(const std::vector<ClientSubscription>& filters, Iterator end);
    void sweep();

    std::vector<Request> requests_;
    std::uint32_t waiting_ = 0;
};

}  // namespace starling
