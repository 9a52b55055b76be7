// A client of the forwarder.
#pragma once

#include <cstddef>
#include <string>
#include <sys/uio.h>
#include <vector>

#include "bench/lightspeed/packets.h"

namespace starling {

struct Topic;

// More that a client does not take ends its connection.
inline constexpr std::size_t kBacklogBytesMax = 64 << 20;

// Owner: the loop.
struct Connection {
    explicit Connection(int its_socket) : socket(its_socket) {}

    // Adds bytes that stay in place until this wake-up ends. What lies side by side is one piece.
    void push(Bytes bytes) {
        if (!pieces.empty()) {
            iovec& last = pieces.back();
            if (static_cast<const std::uint8_t*>(last.iov_base) + last.iov_len == bytes.data()) {
                last.iov_len += bytes.size();
                return;
            }
        }
        pieces.push_back({const_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    }

    const int socket;
    bool is_v5 = false;
    bool is_listed = false;      // among those that will be written
    bool is_over = false;        // closed when this wake-up ends
    std::vector<iovec> pieces;   // what this wake-up will write
    std::string part;            // of a packet whose rest has yet to come
    std::string backlog;         // what the socket did not take
    std::vector<Topic*> topics;  // subscribed to
};

}  // namespace starling
