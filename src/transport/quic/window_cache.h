// Where the QUIC library's state of each connection lives: in a window, or parked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/limits.h"
#include "base/random.h"
#include "transport/quic/parking.h"
#include "transport/quic/template_book.h"
#include "transport/quic/window_heap.h"

namespace starling::quic {

// A fixed number of windows of address space. A connection belongs to one window for as long as it
// is on this core, so its pointers stay good; many belong to the same, and one of them is resident.
// When another is needed the resident one is packed into a blob and put back later, at the same
// address.
//
// One that has much in use is large: to pack it costs more than that saves. So many as may be are
// pinned: while they are large they stay, and who belongs to their window goes to another.
//
// Windows are cut from 16 MiB each; what was never touched costs nothing, and what was is counted
// (count_pages).
// Owner: one core; outlives its connections.
class WindowCache {
public:
    static constexpr std::size_t kWindowBytes = std::size_t{16} << 20;

    struct Options {
        std::uint32_t windows = limits::kQuicWindows;
        std::uint32_t pinned = limits::kQuicPinned;
        bool parks_always = false;  // after every use, and checks what comes back: for tests
    };

    // One connection's claim. The object may not move while bound.
    class Place {
    public:
        Place() = default;
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

        bool is_bound() const { return window_ != kNone; }
        bool is_parked() const { return blob_ != nullptr; }
        std::uint32_t blob_bytes() const { return blob_bytes_; }

    private:
        friend class WindowCache;
        static constexpr std::uint32_t kNone = ~std::uint32_t{0};
        static constexpr std::uint32_t kBlobBytesMax = (std::uint32_t{1} << 31) - 1;

        std::unique_ptr<std::byte[]> blob_;
        std::uint32_t blob_bytes_ : 31 = 0;
        std::uint32_t is_large_ : 1 = 0;
        std::uint32_t window_ = kNone;
    };

    struct Counts {
        std::uint64_t hits = 0;    // entered while resident
        std::uint64_t loads = 0;   // entered while parked
        std::uint64_t parked = 0;  // as things stand, and the bytes of their blobs
        std::uint64_t blob_bytes = 0;
        std::uint64_t large = 0;  // likewise; those of them that are pinned; what windows take
        std::uint64_t pinned = 0;
        std::uint64_t window_bytes = 0;
    };

    // `seed` spreads connections over windows.
    WindowCache(const Options& options, std::uint64_t seed);
    WindowCache(const WindowCache&) = delete;
    WindowCache& operator=(const WindowCache&) = delete;
    ~WindowCache();

    // Binds `place` to the coolest of some windows, empty. It is entered.
    WindowHeap& bind(Place& place);

    // Makes the heap of `place` good until leave(). One place at a time.
    WindowHeap& enter(Place& place);
    void leave(Place& place);

    // The heap that enter() or bind() gave last. REQUIRES: it has not been left.
    WindowHeap& entered() const;

    // Takes the state of `place` out of this cache, so that a cache of another core can take it in,
    // in another window: words that point into the one will point into the other. A word that only
    // looks like such a pointer is changed too; 64 random bits do once in 2^40, and times never do
    // (see kTimeStart). Between the two `place` belongs to nobody and may be destroyed.
    void take_out(Place& place);
    void take_in(Place& place);

    // Forgets `place`, entered or not, and all that it held.
    void release(Place& place);

    // Of a large one what it takes: its window, or its blob. Else 0.
    std::size_t large_bytes(const Place& place) const;

    // Looks at the next `count` windows. One that was not entered since the round before this began
    // goes back to the system, and who is in it is parked, unless pinned. REQUIRES: none is
    // entered.
    void give_back(std::uint32_t count);

    const Counts& counts() const { return counts_; }

private:
    static constexpr int kLooks = 4;

    struct Window {
        Place* resident = nullptr;
        std::uint32_t dirty = 0;           // bytes from the start that may not be zero
        std::optional<std::uint8_t> left;  // the template that all of it is of, once parked
        std::uint32_t shut = 0;            // bytes from the start that nobody may look at
        std::uint32_t bytes = 0;           // from the start, of pages that it takes
        bool is_pinned = false;
        std::uint64_t entered_at = 0;
    };

    std::uint32_t coolest();
    std::byte* address(std::uint32_t window) const { return base_ + window * kWindowBytes; }
    WindowView view(std::uint32_t window) const;
    WindowHeap& heap(std::uint32_t window) const;
    void park(std::uint32_t window);
    void pack_into(Place& place, std::uint32_t window, std::uint8_t pattern);
    ByteVector content(std::uint32_t window) const;
    void check(const Place& place, std::uint32_t window, const ByteVector& before);
    void park_and_check(std::uint32_t window);
    void load(Place& place);
    void clear(std::uint32_t window, std::uint32_t bytes);
    void weigh(Place& place);
    void set_large(Place& place, bool is_large);
    void touch(std::uint32_t window, std::uint32_t bytes);
    void shrink(std::uint32_t window, std::uint32_t bytes);
    void change_bytes(Window& window, std::uint32_t bytes);
    std::uint32_t pins_max() const;
    void open(std::uint32_t window);
    void shut(std::uint32_t window);

    Options options_;
    Random random_;
    std::byte* base_;
    std::vector<Window> windows_;
    TemplateBook templates_;
    ByteVector scratch_;
    Place* entered_ = nullptr;
    std::uint64_t clock_ = 0;
    std::uint32_t looked_ = 0;          // the window that give_back() looks at next
    std::uint64_t rounds_[2] = {0, 0};  // of give_back(): the clock as the last two began
    Counts counts_;
};

}  // namespace starling::quic
