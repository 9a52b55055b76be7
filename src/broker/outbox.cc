#include "broker/outbox.h"

#include <algorithm>

namespace starling {
namespace {

constexpr std::size_t kSegmentMin = 240;
constexpr std::size_t kSegmentMax = 16 << 10;
constexpr std::size_t kSegmentKept = 480;  // of a drained outbox

}  // namespace

MutableBytes Outbox::extend(std::size_t count) {
    Segment* last = segments_.empty() ? nullptr : &segments_.back();
    if (!last || last->capacity - last->size < count || !last->owned) {
        Segment fresh;
        // Twice what the last one held: few segments for a busy connection, little for an idle one.
        const std::size_t wanted = last ? std::min(last->capacity * 2, kSegmentMax) : kSegmentMin;
        fresh.capacity = std::max({count, wanted, kSegmentMin});
        fresh.owned = std::make_unique_for_overwrite<std::byte[]>(fresh.capacity);
        fresh.begin = fresh.owned.get();
        segments_.push(std::move(fresh));
        last = &segments_.back();
    }
    std::byte* at = last->owned.get() + last->size;
    last->size += count;
    size_ += count;
    return {at, count};
}

void Outbox::append_payload(const Ref<const Message>& message) {
    const Bytes payload = message->payload();
    if (payload.size() < kSharedFrom) return append(payload);
    Segment shared;
    shared.message = message;
    shared.begin = payload.data();
    shared.size = payload.size();
    size_ += shared.size;
    segments_.push(std::move(shared));
}

std::size_t Outbox::gather(std::span<iovec> pieces) {
    std::size_t filled = 0;
    std::size_t skip = front_released_ + taken_;
    for (std::uint32_t i = 0; i < segments_.size() && filled < pieces.size(); ++i) {
        Segment& segment = segments_[i];
        if (skip >= segment.size) {
            skip -= segment.size;
            continue;
        }
        pieces[filled++] = {const_cast<std::byte*>(segment.begin) + skip, segment.size - skip};
        skip = 0;
    }
    return filled;
}

void Outbox::release(std::uint64_t unreleased) {
    std::size_t count = taken_ - static_cast<std::size_t>(unreleased);
    taken_ -= count;
    size_ -= count;
    count += front_released_;
    while (!segments_.empty() && count >= segments_.front().size) {
        Segment& oldest = segments_.front();
        count -= oldest.size;
        if (segments_.size() == 1 && oldest.owned && oldest.capacity <= kSegmentKept) {
            oldest.size = 0;
            break;
        }
        segments_.pop();
    }
    front_released_ = count;
}

}  // namespace starling
