// Freed blocks, kept for the next one that needs such a block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

namespace starling {

// For objects that come and go with every message: taking and giving back a block costs a few
// instructions instead of the allocator's two hundred. Each thread keeps so many blocks of each
// size, 72 KiB in all; what is beyond goes to the heap, and so do larger blocks. A block may be
// given back by another thread than the one that took it. Sanitizers see every block, so with them
// nothing is kept.
// Owner: each thread has its own.
class BlockCache {
public:
    static constexpr std::size_t kStep = 64;  // sizes differ by so many bytes
    static constexpr std::size_t kSizes = 8;
    static constexpr std::uint32_t kKept = 32;  // of each size

    ~BlockCache();

    // Whether this build keeps any.
    static bool keeps();

    static void* take(std::size_t size);

    // REQUIRES: take(size) gave it.
    static void give_back(void* block, std::size_t size);

private:
    struct Free {
        Free* next;
    };
    struct List {
        Free* first = nullptr;
        std::uint32_t size = 0;
    };

    // Of blocks that fit so many bytes, or kSizes when none does.
    static std::size_t list_for(std::size_t size) { return size == 0 ? 0 : (size - 1) / kStep; }

    static thread_local BlockCache of_this_thread;

    std::array<List, kSizes> lists_{};
};

}  // namespace starling
