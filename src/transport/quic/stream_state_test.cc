#include "transport/quic/stream_state.h"

#include <array>
#include <malloc.h>

#include <gtest/gtest.h>

namespace starling::quic {
namespace {

// A reader that is always a little behind never empties it.
TEST(ReceiveBuffer, DoesNotGrowByWhatHasBeenRead) {
    std::array<std::byte, 1'000> bytes{};
    ReceiveBuffer buffer;
    buffer.append(bytes);
    const std::size_t before = ::mallinfo2().uordblks;
    for (int i = 0; i < 1'000; ++i) {
        bytes.fill(static_cast<std::byte>(i));
        buffer.append(bytes);
        ASSERT_EQ(buffer.take(bytes), bytes.size());
        EXPECT_EQ(bytes.back(), i == 0 ? std::byte{0} : static_cast<std::byte>(i - 1));
    }
    EXPECT_EQ(buffer.size(), 1'000u);
    EXPECT_LT(::mallinfo2().uordblks, before + 100'000);
}

}  // namespace
}  // namespace starling::quic
