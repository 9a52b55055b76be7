// How much memory the process has in use.
#pragma once

#include <cstdint>

namespace starling {

// Bytes that operator new has given out and not got back, over all threads, with what the allocator
// adds to each block. Every program that calls this counts from its start. A sum over one number a
// thread: cheap enough for every turn.
std::uint64_t heap_bytes_in_use();

// Counts pages that this thread has got from the system by itself, or, below zero, given back.
void count_pages(std::int64_t bytes);

// What memory.max stands over: what operator new has given out, and such pages. As cheap.
std::uint64_t memory_bytes_in_use();

// Blocks that operator new has given out to this thread since it began.
std::uint64_t heap_blocks_of_thread();

// Gives freed memory back to the system, now and then. Freed blocks lie between others, and the
// allocator by itself gives back only what is at the end.
// Owner: one thread; others that need a block while look() trims may wait.
class HeapTrimmer {
public:
    // Trims when an eighth of what was in use at most since the last time is free, and a megabyte
    // at least: some milliseconds for a hundred megabytes.
    void look();

private:
    std::uint64_t most_ = 0;
};

// Gives back what is free at the end of this thread's own heap, which HeapTrimmer does not reach.
// Costs next to nothing.
void trim_own_heap();

}  // namespace starling
