#include "broker/announcer.h"

#include "base/assert.h"
#include "mqtt/topic.h"

namespace starling {

// --- Counting ------------------------------------------------------------------------------------

bool FingerprintCounts::add(std::uint64_t fingerprint) {
    if ((size_ + 1) * 8 > slots_.size() * 7) resize(slots_.empty() ? 8 : slots_.size() * 2);
    Slot& slot = slots_[find(fingerprint)];
    if (slot.count++ != 0) return false;
    slot.low = static_cast<std::uint32_t>(fingerprint);
    slot.high = static_cast<std::uint32_t>(fingerprint >> 32);
    ++size_;
    return true;
}

bool FingerprintCounts::remove(std::uint64_t fingerprint) {
    STARLING_ASSERT(size_ != 0);
    const std::size_t at = find(fingerprint);
    STARLING_ASSERT(slots_[at].count != 0);
    if (--slots_[at].count != 0) return false;
    close_gap(at);
    --size_;
    if (slots_.size() > 64 && size_ * 4 < slots_.size()) resize(slots_.size() / 2);
    return true;
}

// Its slot, or the empty one where it belongs.
std::size_t FingerprintCounts::find(std::uint64_t fingerprint) const {
    Slot wanted;
    wanted.low = static_cast<std::uint32_t>(fingerprint);
    wanted.high = static_cast<std::uint32_t>(fingerprint >> 32);
    std::size_t at = home(wanted);
    while (slots_[at].count != 0 &&
           (slots_[at].low != wanted.low || slots_[at].high != wanted.high))
        at = (at + 1) & (slots_.size() - 1);
    return at;
}

std::size_t FingerprintCounts::home(const Slot& slot) const {
    return mix(std::uint64_t{slot.high} << 32 | slot.low) & (slots_.size() - 1);
}

// Moves later entries of the run back, so that no search meets a hole (Knuth 6.4, algorithm R).
void FingerprintCounts::close_gap(std::size_t gap) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = (gap + 1) & mask; slots_[at].count != 0; at = (at + 1) & mask) {
        if (((at - home(slots_[at])) & mask) < ((at - gap) & mask)) continue;
        slots_[gap] = slots_[at];
        gap = at;
    }
    slots_[gap] = {};
}

void FingerprintCounts::resize(std::size_t count) {
    std::vector<Slot> old(count);
    old.swap(slots_);
    for (const Slot& slot : old)
        if (slot.count != 0) slots_[find(std::uint64_t{slot.high} << 32 | slot.low)] = slot;
}

// --- Announcing ----------------------------------------------------------------------------------

void Announcer::want(std::string_view filter) { change(filter, true); }

void Announcer::forget(std::string_view filter) { change(filter, false); }

void Announcer::change(std::string_view filter, bool is_wanted) {
    if (!has_listeners_) return;
    const std::uint64_t round = rounds_.next();
    InterestChange made;
    made.is_wanted = is_wanted;
    if (has_wildcard(filter)) {
        made.wildcard = filter;
        if (is_wanted) hidden_wildcards_[made.wildcard] = round;
        else hidden_wildcards_.erase(made.wildcard);
    } else {
        made.fingerprint = fingerprints_.of(filter);
        const bool is_change =
            is_wanted ? counts_.add(made.fingerprint) : counts_.remove(made.fingerprint);
        if (!is_change) return;
        if (is_wanted) hidden_[made.fingerprint] = round;
        else hidden_.erase(made.fingerprint);
    }
    rounds_.add(std::move(made));
}

bool Announcer::is_visible(std::string_view filter) const {
    if (!has_listeners_) return true;
    return has_wildcard(filter) ? !hidden_wildcards_.contains(std::string(filter))
                                : !hidden_.contains(fingerprints_.of(filter));
}

Ref<const InterestChanges> Announcer::begin(std::uint32_t listeners) {
    on_its_way_ = make_counted<InterestChanges>(rounds_.begin());
    rounds_.expect(listeners);
    return on_its_way_;
}

// What went and came again since is not visible by this round: it may have withdrawn it too.
bool Announcer::confirm() {
    if (!rounds_.confirm()) return false;
    const auto is_due = [&](const auto& hidden) { return hidden.second <= rounds_.confirmed(); };
    for (const InterestChange& one : on_its_way_->values) {
        if (one.wildcard.empty()) {
            const auto at = hidden_.find(one.fingerprint);
            if (at != hidden_.end() && is_due(*at)) hidden_.erase(at);
        } else {
            const auto at = hidden_wildcards_.find(one.wildcard);
            if (at != hidden_wildcards_.end() && is_due(*at)) hidden_wildcards_.erase(at);
        }
    }
    on_its_way_ = {};
    return true;
}

}  // namespace starling
