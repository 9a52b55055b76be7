#include "transport/quic/early_limits.h"

#include <gtest/gtest.h>

namespace starling::quic {
namespace {

ngtcp2_transport_params some_limits() {
    ngtcp2_transport_params parameters{};
    parameters.initial_max_data = 0x123456789a;
    parameters.initial_max_stream_data_bidi_remote = 4'096;
    parameters.initial_max_streams_bidi = 16;
    parameters.active_connection_id_limit = 2;
    return parameters;
}

TEST(EarlyLimits, ComeBack) {
    const ByteVector bytes = encode_limits(some_limits());
    ngtcp2_transport_params parameters{};
    ASSERT_TRUE(decode_limits(bytes, parameters));
    EXPECT_EQ(parameters.initial_max_data, 0x123456789au);
    EXPECT_EQ(parameters.initial_max_stream_data_bidi_remote, 4'096u);
    EXPECT_EQ(parameters.initial_max_streams_bidi, 16u);
    EXPECT_EQ(encode_limits(parameters), bytes);
}

TEST(EarlyLimits, DifferWithEachOfThem) {
    ngtcp2_transport_params other = some_limits();
    ++other.initial_max_streams_bidi;
    EXPECT_NE(encode_limits(other), encode_limits(some_limits()));
}

TEST(EarlyLimits, AreWholeOrNone) {
    const ByteVector bytes = encode_limits(some_limits());
    ngtcp2_transport_params parameters{};
    EXPECT_FALSE(decode_limits({}, parameters));
    EXPECT_FALSE(decode_limits(Bytes(bytes).first(bytes.size() - 1), parameters));
    EXPECT_EQ(parameters.initial_max_data, 0u);
}

}  // namespace
}  // namespace starling::quic
