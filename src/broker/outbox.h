// The bytes a connection has yet to write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/fifo.h"
#include "broker/message.h"

namespace starling {

// Small frames are copied side by side, large payloads are shared with their message. Two cursors:
// what the stream has *taken*, and what it has *released*: only then may the bytes go. Bytes handed
// out by gather() stay in place until they are released. Costs nothing until it is used; drained it
// keeps one small block to be filled again. Owner: the connection.
class Outbox {
public:
    // Payloads from this size on are shared rather than copied.
    static constexpr std::size_t kSharedFrom = 2048;

    bool empty() const { return size_ == 0; }

    // Bytes not yet released.
    std::size_t size() const { return size_; }

    // Bytes not yet taken.
    std::size_t untaken() const { return size_ - taken_; }

    // Makes room for `count` bytes at the end; the caller fills them before anything else is added.
    MutableBytes extend(std::size_t count);

    void append(Bytes bytes) { store_bytes(extend(bytes.size()).data(), bytes); }
    void append_payload(const Ref<const Message>& message);

    // Fills `pieces` with the next bytes to write, oldest first. Returns how many it filled.
    std::size_t gather(std::span<iovec> pieces);

    void take(std::size_t count) { taken_ += count; }

    // Frees all that was taken but the last `unreleased` bytes.
    void release(std::uint64_t unreleased);

private:
    struct Segment {
        std::unique_ptr<std::byte[]> owned;
        Ref<const Message> message;  // instead of `owned`
        const std::byte* begin = nullptr;
        std::size_t size = 0;
        std::size_t capacity = 0;  // of `owned`
    };

    Fifo<Segment> segments_;
    std::size_t front_released_ = 0;  // of the oldest segment
    std::size_t taken_ = 0;           // not yet released
    std::size_t size_ = 0;
};

}  // namespace starling
