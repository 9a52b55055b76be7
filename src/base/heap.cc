#include "base/heap.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace starling {
namespace {

// One line a thread. What one thread frees for another makes its line negative; the sum is right.
struct alignas(64) Line {
    std::atomic<std::int64_t> bytes{0};
    std::atomic<std::int64_t> page_bytes{0};
};

// More threads than lines share the last.
constexpr std::size_t kLines = 256;
constinit std::array<Line, kLines> lines{};
constinit std::atomic<std::size_t> lines_used{0};
constinit thread_local Line* own_line = nullptr;
constinit thread_local std::uint64_t own_blocks = 0;

Line* take_line() {
    const std::size_t line = lines_used.fetch_add(1, std::memory_order_relaxed);
    return own_line = &lines[line < kLines ? line : kLines - 1];
}

void count(std::atomic<std::int64_t> Line::*what, std::int64_t bytes) {
    Line* line = own_line ? own_line : take_line();
    std::atomic<std::int64_t>& sum = line->*what;
    if (line == &lines.back()) sum.fetch_add(bytes, std::memory_order_relaxed);
    else sum.store(sum.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
}

template <auto... parts>
std::uint64_t sum_of() {
    std::int64_t sum = 0;
    const std::size_t used = std::min(lines_used.load(std::memory_order_relaxed), kLines);
    for (std::size_t line = 0; line < used; ++line)
        sum += (... + (lines[line].*parts).load(std::memory_order_relaxed));
    return sum > 0 ? static_cast<std::uint64_t>(sum) : 0;
}

// What the allocator keeps for itself beside a block.
constexpr std::int64_t kBlockHead = sizeof(std::size_t);

void* counted(void* block) {
    if (!block) std::abort();  // out of memory ends the process
    ++own_blocks;
    count(&Line::bytes, static_cast<std::int64_t>(::malloc_usable_size(block)) + kBlockHead);
    return block;
}

void release(void* block) {
    if (!block) return;
    count(&Line::bytes, -static_cast<std::int64_t>(::malloc_usable_size(block)) - kBlockHead);
    std::free(block);
}

}  // namespace

std::uint64_t heap_bytes_in_use() { return sum_of<&Line::bytes>(); }

void count_pages(std::int64_t bytes) { count(&Line::page_bytes, bytes); }

std::uint64_t memory_bytes_in_use() { return sum_of<&Line::bytes, &Line::page_bytes>(); }

std::uint64_t heap_blocks_of_thread() { return own_blocks; }

void HeapTrimmer::look() {
    constexpr std::uint64_t kLeast = 1 << 20;
    const std::uint64_t now = heap_bytes_in_use();
    most_ = std::max(most_, now);
    if (most_ - now < std::max(most_ / 8, kLeast)) return;
    ::malloc_trim(0);
    most_ = now;
}

void trim_own_heap() {
    // Freeing a block of 64 KiB or more makes glibc look at the end of the heap. Volatile, as a
    // compiler may leave out a block that nobody uses.
    void* volatile block = std::malloc(96 << 10);
    std::free(block);
}

}  // namespace starling

// Every form that there is: some runtimes bring the others along, and those know nothing of ours.
void* operator new(std::size_t size) { return starling::counted(std::malloc(size)); }
void* operator new[](std::size_t size) { return ::operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return ::operator new(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return ::operator new(size);
}
void* operator new(std::size_t size, std::align_val_t align) {
    const auto alignment = static_cast<std::size_t>(align);
    return starling::counted(
        std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment));
}
void* operator new[](std::size_t size, std::align_val_t align) {
    return ::operator new(size, align);
}
void* operator new(std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
    return ::operator new(size, align);
}
void* operator new[](std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
    return ::operator new(size, align);
}
void operator delete(void* block) noexcept { starling::release(block); }
void operator delete[](void* block) noexcept { starling::release(block); }
void operator delete(void* block, std::size_t) noexcept { starling::release(block); }
void operator delete[](void* block, std::size_t) noexcept { starling::release(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { starling::release(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { starling::release(block); }
void operator delete(void* block, std::align_val_t) noexcept { starling::release(block); }
void operator delete[](void* block, std::align_val_t) noexcept { starling::release(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    starling::release(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
    starling::release(block);
}
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    starling::release(block);
}
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    starling::release(block);
}
