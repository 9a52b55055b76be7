// From a hash to the place of an object: eight bytes a slot, no keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"

namespace starling {

// Open addressing over {hash, value}; the caller compares keys, so colliding hashes are fine.
// Cost: 8 bytes a slot, slots at most 7/8 full: about 10 to 18 bytes an entry.
// Owner: one core.
class FlatIndex {
public:
    // Adds an entry; equal hashes may repeat. REQUIRES: value != kNone.
    void insert(std::uint32_t hash, std::uint32_t value) {
        if ((size_ + 1) * 8 > slots_.size() * 7) resize(slots_.empty() ? 8 : slots_.size() * 2);
        place(hash, value);
        ++size_;
    }

    // Calls match(value) for entries of this hash until it answers true; returns that value or
    // kNone.
    template <typename Match>
    std::uint32_t find(std::uint32_t hash, Match match) const {
        if (slots_.empty()) return kNone;
        for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
            const Slot& slot = slots_[at];
            if (slot.value == kNone) return kNone;
            if (slot.hash == hash && match(slot.value)) return slot.value;
        }
    }

    // Removes the entry {hash, value}. REQUIRES: it is there.
    void erase(std::uint32_t hash, std::uint32_t value) {
        STARLING_ASSERT(size_ != 0);
        std::size_t at = hash & mask();
        while (slots_[at].value != value || slots_[at].hash != hash) {
            STARLING_ASSERT(slots_[at].value != kNone);
            at = (at + 1) & mask();
        }
        close_gap(at);
        --size_;
        if (slots_.size() > 64 && size_ * 4 < slots_.size()) resize(slots_.size() / 2);
    }

    std::size_t size() const { return size_; }

    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

private:
    struct Slot {
        std::uint32_t hash = 0;
        std::uint32_t value = kNone;
    };

    std::size_t mask() const { return slots_.size() - 1; }

    void place(std::uint32_t hash, std::uint32_t value) {
        std::size_t at = hash & mask();
        while (slots_[at].value != kNone) at = (at + 1) & mask();
        slots_[at] = {hash, value};
    }

    // Moves later entries of the run back, so that no search meets a hole (Knuth 6.4, algorithm R).
    void close_gap(std::size_t gap) {
        for (std::size_t at = (gap + 1) & mask(); slots_[at].value != kNone;
             at = (at + 1) & mask()) {
            const std::size_t home = slots_[at].hash & mask();
            if (((at - home) & mask()) < ((at - gap) & mask())) continue;
            slots_[gap] = slots_[at];
            gap = at;
        }
        slots_[gap] = Slot{};
    }

    void resize(std::size_t count) {
        std::vector<Slot> old(count);
        old.swap(slots_);
        for (const Slot& slot : old)
            if (slot.value != kNone) place(slot.hash, slot.value);
    }

    std::vector<Slot> slots_;
    std::size_t size_ = 0;
};

}  // namespace starling
