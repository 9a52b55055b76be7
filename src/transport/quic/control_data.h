// What goes beside a datagram through the socket calls.
#pragma once

#include <cstddef>
#include <cstring>
#include <sys/socket.h>

namespace starling::quic {

// Appends control data; `header.msg_controllen` says how much there is already.
// REQUIRES: the room that `header.msg_control` has goes on for CMSG_SPACE(sizeof value).
template <typename T>
void append_control(msghdr& header, int level, int type, const T& value) {
    auto* at = reinterpret_cast<cmsghdr*>(static_cast<std::byte*>(header.msg_control) +
                                          header.msg_controllen);
    at->cmsg_level = level;
    at->cmsg_type = type;
    at->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(at), &value, sizeof value);
    header.msg_controllen += CMSG_SPACE(sizeof value);
}

// REQUIRES: `control` carries a T.
template <typename T>
T control_value(const cmsghdr* control) {
    T value{};
    std::memcpy(&value, CMSG_DATA(control), sizeof value);
    return value;
}

}  // namespace starling::quic
