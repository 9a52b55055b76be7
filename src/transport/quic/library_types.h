// Our types as the library's, and back.
#pragma once

#include "base/bytes.h"
#include "transport/quic/datagram.h"
#include "transport/quic/ngtcp2.h"

namespace starling::quic {

// The library reads the addresses while it is called, and copies what it keeps.
inline ngtcp2_path path_of(const Path& path) {
    const auto address = [](const SocketAddress& one) {
        return ngtcp2_addr{const_cast<sockaddr*>(one.data()), one.size()};
    };
    return {address(path.local), address(path.remote), nullptr};
}

inline Path path_from(const ngtcp2_path& path) {
    return {SocketAddress::copy(path.local.addr, path.local.addrlen),
            SocketAddress::copy(path.remote.addr, path.remote.addrlen)};
}

// REQUIRES: id.size() <= NGTCP2_MAX_CIDLEN.
inline ngtcp2_cid cid_of(Bytes id) {
    ngtcp2_cid cid;
    ngtcp2_cid_init(&cid, raw(id.data()), id.size());
    return cid;
}

inline Bytes view(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const std::byte*>(data), size};
}
inline Bytes view(const ngtcp2_cid& id) { return view(id.data, id.datalen); }
inline Bytes view(const ngtcp2_vec& bytes) { return view(bytes.base, bytes.len); }

}  // namespace starling::quic
