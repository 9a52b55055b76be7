// Cuts any bytes into packets, and looks that cutting does not depend on how the bytes arrive.
#include "base/assert.h"
#include "mqtt/framer.h"
#include "mqtt/varint.h"

namespace starling {
namespace {

constexpr std::uint32_t kLimit = 4096;

// Whatever the whole packet gives, its beginnings wait for, and promise nothing else.
void check_beginnings(Bytes packet) {
    for (std::size_t size = 0; size < packet.size(); ++size) {
        const auto frame = next_frame(packet.first(size), kLimit);
        STARLING_ASSERT(frame.ok());
        STARLING_ASSERT(frame->size == 0);
        STARLING_ASSERT(frame->wanted == 0 || frame->wanted == packet.size());
    }
}

void run(Bytes stream) {
    while (true) {
        const auto frame = next_frame(stream, kLimit);
        if (!frame) {
            STARLING_ASSERT(is_error(frame.error().reason));
            return;
        }
        if (frame->size == 0) {
            STARLING_ASSERT(frame->wanted == 0 || frame->wanted > stream.size());
            return;
        }
        STARLING_ASSERT(frame->size <= kLimit && frame->size == frame->wanted);
        STARLING_ASSERT(frame->body.data() + frame->body.size() == stream.data() + frame->size);
        check_beginnings(stream.first(frame->size));
        stream = stream.subspan(frame->size);
    }
}

}  // namespace
}  // namespace starling

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    starling::run(std::as_bytes(std::span(data, size)));
    return 0;
}
