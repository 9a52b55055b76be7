#include "transport/quic/early_limits.h"

#include <iterator>

namespace starling::quic {
namespace {

constexpr std::uint64_t ngtcp2_transport_params::*kLimits[] = {
    &ngtcp2_transport_params::initial_max_data,
    &ngtcp2_transport_params::initial_max_stream_data_bidi_local,
    &ngtcp2_transport_params::initial_max_stream_data_bidi_remote,
    &ngtcp2_transport_params::initial_max_stream_data_uni,
    &ngtcp2_transport_params::initial_max_streams_bidi,
    &ngtcp2_transport_params::initial_max_streams_uni,
    &ngtcp2_transport_params::active_connection_id_limit,
    &ngtcp2_transport_params::max_udp_payload_size,
    &ngtcp2_transport_params::max_idle_timeout,
    &ngtcp2_transport_params::max_datagram_frame_size,
};
constexpr std::size_t kNumberBytes = 8;

}  // namespace

ByteVector encode_limits(const ngtcp2_transport_params& parameters) {
    ByteVector limits(std::size(kLimits) * kNumberBytes);
    std::byte* at = limits.data();
    for (const auto limit : kLimits) {
        const std::uint64_t value = parameters.*limit;
        at = store_u32(at, static_cast<std::uint32_t>(value >> 32));
        at = store_u32(at, static_cast<std::uint32_t>(value));
    }
    return limits;
}

bool decode_limits(Bytes limits, ngtcp2_transport_params& parameters) {
    if (limits.size() != std::size(kLimits) * kNumberBytes) return false;
    const std::byte* at = limits.data();
    for (const auto limit : kLimits) {
        parameters.*limit = std::uint64_t{load_u32(at)} << 32 | load_u32(at + 4);
        at += kNumberBytes;
    }
    return true;
}

}  // namespace starling::quic
