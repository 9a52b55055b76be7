#include "transport/quic/window_cache.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <utility>

#include "base/assert.h"
#include "base/hash.h"
#include "base/heap.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

// A blob here is the number of its template, then what parking.h packs.
namespace starling::quic {
namespace {

// Of a window that held something large, pages beyond this go back to the system.
constexpr std::uint32_t kKeptBytes = 512 << 10;

constexpr std::uint32_t kPageBytes = 4 << 10;

constexpr int kRubble = 0xDB;

}  // namespace

WindowCache::WindowCache(const Options& options, std::uint64_t seed)
    : options_(options),
      random_(seed),
      windows_(options.windows) {
    STARLING_ASSERT(options.windows != 0);
    void* range = ::mmap(nullptr, windows_.size() * kWindowBytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    STARLING_ASSERT(range != MAP_FAILED);
    // A huge page would be 2 MiB for a window that needs a few small ones.
    ::madvise(range, windows_.size() * kWindowBytes, MADV_NOHUGEPAGE);
    base_ = static_cast<std::byte*>(range);
}

WindowCache::~WindowCache() {
    const std::size_t bytes = windows_.size() * kWindowBytes;
    ASAN_UNPOISON_MEMORY_REGION(base_, bytes);
    ::munmap(base_, bytes);
    count_pages(-static_cast<std::int64_t>(counts_.window_bytes));
}

WindowHeap& WindowCache::bind(Place& place) {
    STARLING_ASSERT(place.window_ == Place::kNone && !entered_);
    const std::uint32_t window = coolest();
    open(window);
    if (windows_[window].resident) park(window);
    clear(window, windows_[window].dirty);
    windows_[window].dirty = 0;
    windows_[window].left.reset();
    windows_[window].resident = &place;
    place.window_ = window;
    WindowHeap::format(address(window), kWindowBytes);
    entered_ = &place;
    windows_[window].entered_at = ++clock_;
    return heap(window);
}

WindowHeap& WindowCache::enter(Place& place) {
    STARLING_ASSERT(place.window_ != Place::kNone && !entered_);
    if (place.is_parked() && windows_[place.window_].is_pinned) place.window_ = coolest();
    open(place.window_);
    if (place.is_parked()) load(place);
    else ++counts_.hits;
    entered_ = &place;
    windows_[place.window_].entered_at = ++clock_;
    return heap(place.window_);
}

void WindowCache::leave(Place& place) {
    STARLING_ASSERT(entered_ == &place);
    entered_ = nullptr;
    weigh(place);
    if (options_.parks_always) park_and_check(place.window_);
    shut(place.window_);
}

WindowHeap& WindowCache::entered() const {
    STARLING_ASSERT(entered_ != nullptr);
    return heap(entered_->window_);
}

void WindowCache::release(Place& place) {
    if (place.window_ == Place::kNone) return;
    set_large(place, false);
    Window& window = windows_[place.window_];
    if (window.resident == &place) {
        open(place.window_);
        clear(place.window_, std::max(window.dirty, heap(place.window_).used()));
        window.dirty = 0;
        window.resident = nullptr;
        shut(place.window_);
    }
    if (place.is_parked()) {
        --counts_.parked;
        counts_.blob_bytes -= place.blob_bytes_;
        place.blob_.reset();
    }
    if (entered_ == &place) entered_ = nullptr;
    place.window_ = Place::kNone;
}

// The first template is empty in every cache.
void WindowCache::take_out(Place& place) {
    enter(place);
    const std::uint32_t window = place.window_;
    const std::uint32_t used = heap(window).used();
    const ByteVector before = options_.parks_always ? content(window) : ByteVector();
    pack_into(place, window, 0);
    if (options_.parks_always) check(place, window, before);
    set_large(place, false);
    clear(window, std::max(windows_[window].dirty, used));
    windows_[window].dirty = 0;
    windows_[window].resident = nullptr;
    entered_ = nullptr;
    place.window_ = Place::kNone;
    shut(window);
}

void WindowCache::take_in(Place& place) {
    STARLING_ASSERT(!place.is_bound() && place.is_parked());
    place.window_ = coolest();
    ++counts_.parked;
    counts_.blob_bytes += place.blob_bytes_;
}

// Of some windows taken at random an empty one, or the one entered longest ago. Half of them at
// least are not pinned.
std::uint32_t WindowCache::coolest() {
    const auto any = [&] {
        std::uint32_t window = random_.below(options_.windows);
        while (windows_[window].is_pinned) window = (window + 1) % options_.windows;
        return window;
    };
    std::uint32_t best = any();
    for (int look = 1; look < kLooks && windows_[best].resident; ++look) {
        const std::uint32_t other = any();
        if (!windows_[other].resident || windows_[other].entered_at < windows_[best].entered_at)
            best = other;
    }
    return best;
}

WindowView WindowCache::view(std::uint32_t window) const {
    return {{reinterpret_cast<std::uint64_t*>(address(window)), kWindowBytes / 8}};
}

WindowHeap& WindowCache::heap(std::uint32_t window) const {
    return *reinterpret_cast<WindowHeap*>(address(window));
}

void WindowCache::park(std::uint32_t window) {
    Place& place = *windows_[window].resident;
    const std::uint32_t used = heap(window).used();
    const std::uint8_t pattern = templates_.choose(view(window), used);
    pack_into(place, window, pattern);
    ++counts_.parked;
    counts_.blob_bytes += place.blob_bytes_;
    windows_[window].resident = nullptr;
    windows_[window].dirty = std::max({windows_[window].dirty, used, templates_[pattern].used()});
    windows_[window].left = pattern;
    touch(window, windows_[window].dirty);
}

void WindowCache::pack_into(Place& place, std::uint32_t window, std::uint8_t pattern) {
    const Bytes packed = pack(view(window), heap(window).used(), templates_[pattern], scratch_);
    place.blob_bytes_ = static_cast<std::uint32_t>(packed.size() + 1) & Place::kBlobBytesMax;
    place.blob_ = std::make_unique_for_overwrite<std::byte[]>(place.blob_bytes_);
    place.blob_[0] = std::byte{pattern};
    std::copy(packed.begin(), packed.end(), &place.blob_[1]);
}

void WindowCache::park_and_check(std::uint32_t window) {
    const Place& place = *windows_[window].resident;
    const ByteVector before = content(window);
    park(window);
    check(place, window, before);
}

ByteVector WindowCache::content(std::uint32_t window) const {
    const std::byte* const start = address(window);
    return {start, start + heap(window).used()};
}

// Unpacks what was packed of `before`. Whoever looks here later shall not find what it seeks.
void WindowCache::check(const Place& place, std::uint32_t window, const ByteVector& before) {
    const auto bytes = std::max(windows_[window].dirty, static_cast<std::uint32_t>(before.size()));
    const Template& pattern = templates_[std::to_integer<std::uint8_t>(place.blob_[0])];
    unpack_onto_pattern(view(window), &place.blob_[1], pattern);
    STARLING_ASSERT(std::equal(before.begin(), before.end(), address(window)));
    std::memset(address(window), kRubble, bytes);
    unpack(view(window), &place.blob_[1], pattern, bytes);
    STARLING_ASSERT(std::equal(before.begin(), before.end(), address(window)));
    std::memset(address(window), kRubble, bytes);
    windows_[window].left.reset();
}

// REQUIRES: the window is open.
void WindowCache::load(Place& place) {
    Window& window = windows_[place.window_];
    if (window.resident) {
        park(place.window_);
        shrink(place.window_, kKeptBytes);
    }
    const std::byte* blob = place.blob_.get();
    const auto pattern = std::to_integer<std::uint8_t>(blob[0]);
    if (window.left == pattern)
        unpack_onto_pattern(view(place.window_), blob + 1, templates_[pattern]);
    else unpack(view(place.window_), blob + 1, templates_[pattern], window.dirty);
    window.dirty = 0;
    window.left.reset();
    window.resident = &place;
    touch(place.window_, std::max(heap(place.window_).used(), templates_[pattern].used()));
    ++counts_.loads;
    --counts_.parked;
    counts_.blob_bytes -= place.blob_bytes_;
    place.blob_.reset();
}

void WindowCache::clear(std::uint32_t window, std::uint32_t bytes) {
    touch(window, bytes);
    shrink(window, kKeptBytes);
    std::memset(address(window), 0, std::min(bytes, kKeptBytes));
}

// After each use: what a connection holds changes only then.
void WindowCache::weigh(Place& place) {
    const WindowHeap& its_heap = heap(place.window_);
    touch(place.window_, its_heap.used());
    const bool is_large = its_heap.live() > limits::kQuicLargeBytes;
    if (is_large || place.is_large_) set_large(place, is_large);
}

void WindowCache::set_large(Place& place, bool is_large) {
    if (is_large != place.is_large_) counts_.large += is_large ? 1 : -1;
    place.is_large_ = is_large;
    Window& window = windows_[place.window_];
    if (window.resident != &place) return;
    const bool is_pinned = is_large && (window.is_pinned || counts_.pinned < pins_max());
    if (is_pinned == window.is_pinned) return;
    window.is_pinned = is_pinned;
    counts_.pinned += is_pinned ? 1 : -1;
}

std::uint32_t WindowCache::pins_max() const {
    return options_.parks_always ? 0 : std::min(options_.pinned, options_.windows / 2);
}

std::size_t WindowCache::large_bytes(const Place& place) const {
    if (!place.is_large_) return 0;
    return place.is_parked() ? place.blob_bytes_ : windows_[place.window_].bytes;
}

void WindowCache::give_back(std::uint32_t count) {
    STARLING_ASSERT(!entered_);
    for (count = std::min(count, options_.windows); count != 0; --count) {
        if (looked_ == 0) rounds_[0] = std::exchange(rounds_[1], clock_);
        Window& window = windows_[looked_];
        const bool is_cool = !window.resident || window.entered_at <= rounds_[0];
        if (!window.is_pinned && window.bytes != 0 && is_cool) {
            open(looked_);
            if (window.resident) park(looked_);
            shrink(looked_, 0);
            shut(looked_);
        }
        looked_ = (looked_ + 1) % options_.windows;
    }
}

// It takes so many pages, or more.
void WindowCache::touch(std::uint32_t window, std::uint32_t bytes) {
    if (bytes > windows_[window].bytes)
        change_bytes(windows_[window], (bytes + kPageBytes - 1) / kPageBytes * kPageBytes);
}

// Pages beyond go back to the system, whatever is there. REQUIRES: they are no connection's.
void WindowCache::shrink(std::uint32_t window, std::uint32_t bytes) {
    Window& one = windows_[window];
    STARLING_ASSERT(one.dirty <= one.bytes);
    if (one.bytes <= bytes) return;
    ::madvise(address(window) + bytes, one.bytes - bytes, MADV_DONTNEED);
    one.dirty = std::min(one.dirty, bytes);
    one.left.reset();
    change_bytes(one, bytes);
}

void WindowCache::change_bytes(Window& window, std::uint32_t bytes) {
    const std::int64_t change = std::int64_t{bytes} - window.bytes;
    count_pages(change);
    counts_.window_bytes += static_cast<std::uint64_t>(change);
    window.bytes = bytes;
}

// Outside of enter() and leave() nobody may look into a window: AddressSanitizer tells who does.
void WindowCache::open(std::uint32_t window) {
    ASAN_UNPOISON_MEMORY_REGION(address(window), windows_[window].shut);
}

void WindowCache::shut(std::uint32_t window) {
    Window& one = windows_[window];
    one.shut = one.resident ? heap(window).used() : one.dirty;
    ASAN_POISON_MEMORY_REGION(address(window), one.shut);
}

}  // namespace starling::quic
