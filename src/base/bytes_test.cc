#include "base/bytes.h"

#include <gtest/gtest.h>

namespace starling {
namespace {

TEST(Bytes, HoldIntegersWithTheHighByteFirst) {
    ByteVector out(7);
    std::byte* end = store_u32(store_u16(store_u8(out.data(), 0xAB), 0x1234), 0x89ABCDEF);
    EXPECT_EQ(end, out.data() + out.size());
    EXPECT_EQ(as_text(out), "\xAB\x12\x34\x89\xAB\xCD\xEF");
    EXPECT_EQ(load_u16(out.data() + 1), 0x1234);
    EXPECT_EQ(load_u32(out.data() + 3), 0x89ABCDEF);
}

TEST(Bytes, AreCopiedEvenIfThereAreNone) {
    ByteVector out(3);
    std::byte* end = store_bytes(store_bytes(out.data(), as_bytes("abc")), {});
    EXPECT_EQ(end, out.data() + 3);
    EXPECT_EQ(as_text(out), "abc");
}

}  // namespace
}  // namespace starling
