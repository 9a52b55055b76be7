#include "transport/quic/window_heap.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

#include "base/assert.h"

namespace starling::quic {
namespace {

// Before each block, and as long as its alignment.
struct alignas(16) Head {
    std::uint64_t size_class;
};

constexpr std::size_t kFineMax = 512;

std::size_t class_of(std::size_t bytes) {
    if (bytes <= kFineMax) return (bytes + 15) / 16 - 1;
    const std::size_t octave = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;
    const std::size_t step = std::size_t{1} << (octave - 2);
    return 32 + (octave - 9) * 4 + (bytes - 1 - (std::size_t{1} << octave)) / step;
}

std::size_t bytes_of(std::size_t size_class) {
    if (size_class < 32) return (size_class + 1) * 16;
    const std::size_t octave = 9 + (size_class - 32) / 4;
    const std::size_t step = std::size_t{1} << (octave - 2);
    return (std::size_t{1} << octave) + ((size_class - 32) % 4 + 1) * step;
}

WindowHeap& heap_of(void* user_data) { return *static_cast<WindowHeap*>(user_data); }

void* allocate(std::size_t bytes, void* user_data) { return heap_of(user_data).allocate(bytes); }

void release(void* block, void* user_data) { heap_of(user_data).release(block); }

void* allocate_zeroed(std::size_t count, std::size_t size, void* user_data) {
    if (size != 0 && count > std::numeric_limits<std::size_t>::max() / size) return nullptr;
    return allocate(count * size, user_data);
}

void* reallocate(void* block, std::size_t bytes, void* user_data) {
    void* fresh = allocate(bytes, user_data);
    if (!block || !fresh) return fresh;
    const std::size_t before = bytes_of(static_cast<Head*>(block)[-1].size_class) - sizeof(Head);
    std::memcpy(fresh, block, std::min(before, bytes));
    release(block, user_data);
    return fresh;
}

}  // namespace

CipherNames::CipherNames(PacketCrypto& crypto) { lead_to(crypto); }

void CipherNames::lead_to(PacketCrypto& crypto) {
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = {&crypto, static_cast<Cipher>(i)};
}

WindowHeap* WindowHeap::format(void* window, std::size_t bytes) {
    STARLING_ASSERT(bytes >= sizeof(WindowHeap) && bytes <= std::size_t{16} << 20);
    return new (window) WindowHeap(bytes);
}

WindowHeap::WindowHeap(std::size_t bytes)
    : memory_{this, starling::quic::allocate, starling::quic::release, allocate_zeroed, reallocate},
      used_((sizeof(WindowHeap) + 15) / 16 * 16),
      end_(static_cast<std::uint32_t>(bytes)) {}

// A block is all zero: fresh ones by the window, others since they were freed.
void* WindowHeap::allocate(std::size_t bytes) {
    if (bytes > end_ - sizeof(Head)) return nullptr;
    const std::size_t size_class = class_of(std::max<std::size_t>(bytes, 1) + sizeof(Head));
    const std::uint32_t at = take(size_class);
    if (at == 0) return nullptr;
    live_ += static_cast<std::uint32_t>(bytes_of(size_class));
    auto* head = new (start() + at) Head{size_class};
    return head + 1;
}

std::uint32_t WindowHeap::take(std::size_t size_class) {
    if (size_class >= kClasses) return 0;
    if (const std::uint32_t at = free_[size_class]; at != 0) {
        std::byte* const link = start() + at + sizeof(Head);
        std::memcpy(&free_[size_class], link, sizeof(std::uint32_t));
        std::memset(link, 0, sizeof(std::uint32_t));
        return at;
    }
    const std::size_t bytes = bytes_of(size_class);
    if (bytes > end_ - used_) return 0;
    const std::uint32_t at = used_;
    used_ += static_cast<std::uint32_t>(bytes);
    return at;
}

void WindowHeap::release(void* block) {
    if (!block) return;
    auto* head = static_cast<Head*>(block) - 1;
    const std::size_t size_class = head->size_class;
    STARLING_ASSERT(size_class < kClasses);
    live_ -= static_cast<std::uint32_t>(bytes_of(size_class));
    std::memset(head, 0, bytes_of(size_class));
    std::memcpy(block, &free_[size_class], sizeof(std::uint32_t));
    free_[size_class] = static_cast<std::uint32_t>(reinterpret_cast<std::byte*>(head) - start());
}

}  // namespace starling::quic
