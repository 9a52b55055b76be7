// The memory of one connection in the QUIC library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "transport/quic/key_schedule.h"
#include "transport/quic/ngtcp2.h"

namespace starling::quic {

class PacketCrypto;

// What the library takes for the names of ciphers: pointers to these. They lie where the connection
// does, and lead to the core that is at work on it. Owner: who holds them.
struct CipherNames {
    struct Name {
        PacketCrypto* crypto = nullptr;
        Cipher cipher{};
    };
    CipherNames() = default;
    explicit CipherNames(PacketCrypto& crypto);

    // REQUIRES: said after every change of cores, before the library is called.
    void lead_to(PacketCrypto& crypto);

    std::array<Name, kCiphers> names;
};

// A heap at the start of a window of address space, which it manages up to the window's end. All it
// knows lies inside, itself included, and what it frees it clears: so the window from start to
// used() is the whole state of a connection, and quiet connections look alike.
//
// A block is found in the free list of its size class, or at the end. An allocation that finds no
// room fails, and with it that connection alone.
// Owner: its connection.
class WindowHeap {
public:
    // Makes a heap of the zeroed `bytes` at `window`, which is aligned for any object.
    static WindowHeap* format(void* window, std::size_t bytes);
    WindowHeap(const WindowHeap&) = delete;
    WindowHeap& operator=(const WindowHeap&) = delete;

    // For the library; it keeps the pointer, which lies in the window like everything it allocates.
    const ngtcp2_mem& memory() const { return memory_; }

    void* allocate(std::size_t bytes);
    void release(void* block);

    // The one object that leads to all others.
    ngtcp2_conn* root = nullptr;

    // Of its connection. Nothing else in a window points to what is a core's own.
    CipherNames ciphers;

    // Bytes from the window's start to the end of the last block ever made.
    std::uint32_t used() const { return used_; }

    // Bytes of the blocks in use.
    std::uint32_t live() const { return live_; }

private:
    // Blocks grow by 16 bytes up to 512, then four sizes an octave up to 16 MiB.
    static constexpr std::size_t kClasses = 32 + 4 * 15;

    explicit WindowHeap(std::size_t bytes);

    std::byte* start() { return reinterpret_cast<std::byte*>(this); }
    std::uint32_t take(std::size_t size_class);

    ngtcp2_mem memory_;
    std::uint32_t used_;
    std::uint32_t end_;
    std::uint32_t live_ = 0;
    std::array<std::uint32_t, kClasses> free_{};  // offsets; 0: none
};

}  // namespace starling::quic
