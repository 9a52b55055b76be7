// How much memory the process has in use.
#pragma once

#include <cstdint>

namespace starling {

// Bytes that operator new has given out and not got back, over all threads, with what the allocator
// adds to each block. Every program that calls this counts from its start. A sum over one number a
// thread: cheap enough for every turn.
std::uint64_t heap_bytes_in_use();

}  // namespace starling
